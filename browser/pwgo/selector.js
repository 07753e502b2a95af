// The selector engine of this package: it finds the element that a step means.
//
// Input: JSON {"alternatives": [[part, …], …], "want": "visible"|"attached"|"all"},
// where a part is {"kind": "css"|"pierce"|"xpath"|"text"|"aria", "body": …, "role"?: …}.
// Output (queryAll): the elements. Playwright calls it again until it finds something.
//
//   visible   the one element for a pointer or the keyboard: the alternatives are tried in order; one that
//             matches exactly one visible element is preferred, else the first visible match counts.
//   attached  the one element to read from: like visible, but a hidden element counts when none is visible.
//   all       all elements of the first alternative that matches any.
//
// It runs in Playwright's own world of the page: the page's scripts do not see it and cannot change it.
(() => {
  const SKIPPED = new Set(['SCRIPT', 'STYLE', 'NOSCRIPT', 'TEMPLATE', 'HEAD']);
  // Elements with these roles are named by what they contain.
  const NAMED_BY_CONTENT = new Set([
    'button', 'cell', 'checkbox', 'columnheader', 'gridcell', 'heading', 'link', 'menuitem', 'menuitemcheckbox',
    'menuitemradio', 'option', 'radio', 'row', 'rowheader', 'switch', 'tab', 'tooltip', 'treeitem', 'label', 'summary',
  ]);
  const INPUT_ROLES = {
    button: 'button', submit: 'button', reset: 'button', image: 'button', checkbox: 'checkbox', radio: 'radio',
    range: 'slider', number: 'spinbutton', search: 'searchbox', text: 'textbox', email: 'textbox', tel: 'textbox',
    url: 'textbox', password: 'textbox',
  };
  const TAG_ROLES = {
    ARTICLE: 'article', ASIDE: 'complementary', BUTTON: 'button', DATALIST: 'listbox', DD: 'definition',
    DETAILS: 'group', DIALOG: 'dialog', DT: 'term', FIELDSET: 'group', FIGURE: 'figure', FOOTER: 'contentinfo',
    FORM: 'form', H1: 'heading', H2: 'heading', H3: 'heading', H4: 'heading', H5: 'heading', H6: 'heading',
    HEADER: 'banner', HR: 'separator', LABEL: 'label', LI: 'listitem', MAIN: 'main', MENU: 'list', METER: 'meter',
    NAV: 'navigation', OL: 'list', OPTGROUP: 'group', OPTION: 'option', OUTPUT: 'status', P: 'paragraph',
    PROGRESS: 'progressbar', SECTION: 'region', SUMMARY: 'summary', TABLE: 'table', TBODY: 'rowgroup', TD: 'cell',
    TEXTAREA: 'textbox', TFOOT: 'rowgroup', TH: 'columnheader', THEAD: 'rowgroup', TR: 'row', UL: 'list',
  };

  // Recorded names can hold the private characters of icon fonts, which no one reads.
  const clean = text => (text || '').replace(/[\uE000-\uF8FF\u200B\u00AD]/g, '').replace(/\s+/g, ' ').trim();

  const role = element => {
    const explicit = clean(element.getAttribute('role')).split(' ')[0];
    if (explicit && explicit !== 'none' && explicit !== 'presentation')
      return explicit;
    switch (element.tagName) {
      case 'A': case 'AREA': return element.hasAttribute('href') ? 'link' : '';
      case 'IMG': return element.getAttribute('alt') === '' ? '' : 'img';
      case 'svg': return 'img';
      case 'INPUT': {
        if (element.hasAttribute('list') && ['textbox', 'searchbox'].includes(INPUT_ROLES[element.type]))
          return 'combobox';
        return INPUT_ROLES[element.type] || '';
      }
      case 'SELECT': return element.multiple || element.size > 1 ? 'listbox' : 'combobox';
      case 'TH': return element.scope === 'row' ? 'rowheader' : 'columnheader';
    }
    return TAG_ROLES[element.tagName] || (element.isContentEditable ? 'textbox' : '');
  };

  const sameRole = (wanted, actual) => wanted === actual ||
    (wanted === 'image' && actual === 'img') || (wanted === 'button' && actual === 'summary') ||
    (wanted === 'DisclosureTriangle' && actual === 'summary') || (wanted === 'textbox' && actual === 'searchbox');

  const isHiddenFromNames = element =>
    element.getAttribute('aria-hidden') === 'true' || SKIPPED.has(element.tagName) ||
    (element.checkVisibility && !element.checkVisibility({ visibilityProperty: true }));

  // content is the name that an element gets from what is in it, without what it labels.
  const content = (element, labelled, depth = 0) => {
    let text = '';
    const children = element.tagName === 'SLOT' && element.assignedNodes().length ? element.assignedNodes() :
      (element.shadowRoot || element).childNodes;
    for (const child of children) {
      if (child.nodeType === Node.TEXT_NODE) {
        text += child.nodeValue;
      } else if (child.nodeType === Node.ELEMENT_NODE && child !== labelled && depth < 50 && !isHiddenFromNames(child)) {
        const inner = ownName(child) || (child.matches('input, textarea, select') ? child.value : content(child, labelled, depth + 1));
        const block = !/^(inline|contents)/.test(getComputedStyle(child).display);
        text += block ? ` ${inner} ` : inner;
      }
    }
    return text;
  };

  // ownName is the name that an element's author gave it, not counting its content.
  const ownName = element => {
    const label = clean(element.getAttribute('aria-label'));
    if (label)
      return label;
    switch (element.tagName) {
      case 'IMG': case 'AREA': return element.alt;
      case 'INPUT':
        if (['button', 'submit', 'reset'].includes(element.type))
          return element.value || { submit: 'Submit', reset: 'Reset' }[element.type] || '';
        return element.type === 'image' ? element.alt || element.value : '';
      case 'svg': return element.querySelector(':scope > title')?.textContent || '';
      case 'FIELDSET': return element.querySelector(':scope > legend')?.textContent || '';
      case 'TABLE': return element.caption?.textContent || '';
      case 'FIGURE': return element.querySelector(':scope > figcaption')?.textContent || '';
    }
    return '';
  };

  // accessibleName follows the W3C's rules as far as pages use them.
  const accessibleName = element => {
    const ids = clean(element.getAttribute('aria-labelledby')).split(' ').filter(Boolean);
    const labelled = ids.map(id => element.getRootNode().getElementById?.(id)).filter(Boolean)
        .map(e => clean(ownName(e) || content(e, element))).join(' ');
    if (clean(labelled))
      return clean(labelled);
    const own = clean(ownName(element));
    if (own)
      return own;
    if (element.labels?.length) {
      const labels = clean([...element.labels].map(l => ownName(l) || content(l, element)).join(' '));
      if (labels)
        return labels;
    }
    const inner = NAMED_BY_CONTENT.has(role(element)) ? clean(content(element)) : '';
    return inner || clean(element.getAttribute('title')) || clean(element.getAttribute('placeholder'));
  };

  const isVisible = element => {
    if (element.tagName === 'OPTION' || element.tagName === 'OPTGROUP')
      return isVisible(element.closest('select') || element.parentElement);
    if (element.checkVisibility && !element.checkVisibility({ visibilityProperty: true }))
      return false;
    const box = element.getBoundingClientRect();
    if (box.width > 0 && box.height > 0)
      return true;
    // Elements without a box of their own are seen through their children.
    return getComputedStyle(element).display === 'contents' && [...element.children].some(isVisible);
  };

  // scopes are root and all open shadow roots below it.
  const scopes = root => {
    const found = [root];
    for (const element of root.querySelectorAll('*')) {
      if (element.shadowRoot)
        found.push(...scopes(element.shadowRoot));
    }
    return found;
  };

  const ownText = element => element.tagName === 'INPUT' ?
    (['button', 'submit', 'reset'].includes(element.type) ? element.value : '') : element.textContent;

  // smallest collects the smallest elements whose text contains the wanted one.
  const smallest = (parent, wanted, found) => {
    let any = false;
    for (const child of parent.children) {
      if (SKIPPED.has(child.tagName) || !clean(ownText(child)).includes(wanted))
        continue;
      any = true;
      if (!smallest(child, wanted, found))
        found.push(child);
    }
    return any;
  };

  const engines = {
    css: (root, part) => [...root.querySelectorAll(part.body)],

    pierce: (root, part) => scopes(root).flatMap(scope => [...scope.querySelectorAll(part.body)]),

    xpath: (root, part) => {
      const evaluate = (path, context) => {
        const result = document.evaluate(path, context, null, XPathResult.ORDERED_NODE_SNAPSHOT_TYPE, null);
        return Array.from({ length: result.snapshotLength }, (_, i) => result.snapshotItem(i))
            .filter(node => node.nodeType === Node.ELEMENT_NODE);
      };
      if (root.nodeType === Node.DOCUMENT_NODE)
        return evaluate(part.body, root);
      if (root.nodeType === Node.ELEMENT_NODE)
        return evaluate(part.body.startsWith('/') ? '.' + part.body : part.body, root);
      // XPath cannot start at a shadow root, so start at each of its children.
      const path = part.body.replace(/^\/\//, 'descendant-or-self::').replace(/^\.?\//, 'self::');
      return [...root.children].flatMap(child => evaluate(path, child));
    },

    text: (root, part) => {
      const wanted = clean(part.body);
      const found = [];
      for (const scope of scopes(root))
        smallest(scope, wanted, found);
      const exact = found.filter(element => clean(ownText(element)) === wanted);
      return exact.length ? exact : found;
    },

    aria: (root, part) => {
      const wanted = clean(part.body);
      const found = [];
      for (const scope of scopes(root)) {
        for (const element of scope.querySelectorAll('*')) {
          if (SKIPPED.has(element.tagName) || (part.role && !sameRole(part.role, role(element))))
            continue;
          if (!wanted || accessibleName(element) === wanted)
            found.push(element);
        }
      }
      // A label has the same name as what it labels, which is the one that is meant.
      const controls = found.filter(element => element.tagName !== 'LABEL');
      return controls.length ? controls : found;
    },
  };

  // find follows the parts of one alternative, through shadow roots.
  const find = (root, parts) => {
    let roots = [root];
    let found = [];
    for (const [i, part] of parts.entries()) {
      if (i > 0)
        roots = found.map(element => element.shadowRoot || element);
      found = [...new Set(roots.flatMap(r => engines[part.kind](r, part)))];
    }
    return found;
  };

  // choose takes the first alternative that accepts exactly one element, else the first element of the first
  // alternative that accepts any.
  const choose = (candidates, accept) => {
    let first;
    for (const candidate of candidates) {
      const accepted = candidate().filter(accept);
      if (accepted.length === 1)
        return accepted;
      if (accepted.length && !first)
        first = [accepted[0]];
    }
    return first || [];
  };

  const queryAll = (root, body) => {
    const { alternatives, want } = JSON.parse(body);
    const invalid = [];
    // Each alternative is looked up once, and only when the ones before it did not decide. One that is not valid
    // leaves the word to the others.
    const candidates = alternatives.map(parts => {
      let found;
      return () => {
        if (found)
          return found;
        try {
          found = find(root, parts);
        } catch {
          invalid.push(parts.map(part => part.body).join(' >> '));
          found = [];
        }
        return found;
      };
    });
    let result;
    if (want === 'all') {
      result = candidates.map(candidate => candidate()).find(elements => elements.length) || [];
    } else {
      result = choose(candidates, isVisible);
      if (!result.length && want === 'attached')
        result = choose(candidates, () => true);
    }
    if (invalid.length === alternatives.length)
      throw new Error(`invalid selector: ${invalid[0]}`);
    return result;
  };

  // tools are for look.js.
  return { queryAll, query: (root, body) => queryAll(root, body)[0], tools: { accessibleName, clean, find, isVisible, role } };
})()
