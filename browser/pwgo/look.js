// The looking engine of this package: it describes what a page shows, for healing.
//
// Input: JSON {"mode": "page"|"verify"|"cover", "text": bound of a text, "elements": most elements, "ms": most time, …}.
//   page    "query"?: what selector.js reads; nothing is answered until it finds an element. Describes the elements of this document.
//           Answer: {"elements": […], "target": index or -1, "found"?: which alternatives find it, "cut": reason or ""}.
//   verify  "shadow": […], "xpath": …, "alternatives": […], "want": …: which alternatives find that very element and no other one.
//           Answer: {"there": bool, "print": …, "only": [bool, …]}.
//   at      "shadow": […], "xpath": …: finds the element of that place, as a selector does.
//   cover   "query": the element that something lies over. Answer: {"control": {shadow, xpath}, "caption": …, "overlay": …} or {"why": …}.
// Output: an element that is in no page, whose text is the answer as JSON; the element itself in mode at.
//
// It runs in Playwright's own world of the page: the page's scripts do not see it and cannot change it. A page can still name
// form fields so that they hide a form's properties, nest without end and hold any number of elements: so properties are read with
// the prototypes' own functions, nothing is recursive, and elements and time are bounded. What people typed is never read.
(selectors => {
  const { accessibleName, clean, find, isVisible, role } = selectors.tools;
  const reader = (proto, name) => Function.prototype.call.bind(Object.getOwnPropertyDescriptor(proto, name).get);
  const method = f => Function.prototype.call.bind(f);
  const attribute = method(Element.prototype.getAttribute);
  const rectangle = method(Element.prototype.getBoundingClientRect);
  const firstChild = reader(Node.prototype, 'firstChild');
  const nextSibling = reader(Node.prototype, 'nextSibling');
  const parentNode = reader(Node.prototype, 'parentNode');
  const nodeValue = reader(Node.prototype, 'nodeValue');
  const textContent = reader(Node.prototype, 'textContent');
  const shadowRoot = reader(Element.prototype, 'shadowRoot');
  const localName = reader(Element.prototype, 'localName');
  const checkVisibility = method(Element.prototype.checkVisibility);

  const DEEPEST_PATH = 2000, DEEPEST_SHADOW = 16, MOST_NODES = 300000;
  const SKIPPED = new Set(['script', 'style', 'noscript', 'template', 'head', 'meta', 'link', 'base', 'title', 'option', 'optgroup']);
  const NO_CANDIDATES = new Set(['html', 'body', 'br', 'hr', 'wbr', 'source', 'track', 'col', 'colgroup', 'datalist']);
  const INLINE = new Set(['a', 'abbr', 'b', 'bdi', 'bdo', 'cite', 'code', 'data', 'dfn', 'em', 'font', 'i', 'kbd', 'mark', 'q', 's',
    'samp', 'small', 'span', 'strong', 'sub', 'sup', 'time', 'u', 'var']);
  const LANDMARKS = { header: 'banner', nav: 'navigation', main: 'main', aside: 'complementary', footer: 'contentinfo', dialog: 'dialog', search: 'search' };
  const LANDMARK_ROLES = new Set(['banner', 'navigation', 'main', 'complementary', 'contentinfo', 'search', 'form', 'region', 'dialog', 'alertdialog']);
  const BUTTONS = new Set(['submit', 'button', 'reset', 'image']);
  const FIELDS = new Set(['input', 'textarea', 'select']);
  const TEST_IDS = ['data-testid', 'data-test', 'data-qa', 'data-cy'];

  const attempt = (f, otherwise) => {
    try {
      return f();
    } catch {
      return otherwise;
    }
  };

  const visibleStyle = element => attempt(() => checkVisibility(element, { visibilityProperty: true, opacityProperty: true }), false);

  const landmarkOf = (element, tag) => {
    const explicit = attribute(element, 'role');
    if (explicit)
      return LANDMARK_ROLES.has(explicit) ? explicit.replace('alertdialog', 'dialog') : '';
    if (tag === 'section' || tag === 'form')
      return attribute(element, 'aria-label') || attribute(element, 'aria-labelledby') ? (tag === 'form' ? 'form' : 'region') : '';
    return LANDMARKS[tag] || '';
  };

  // textOf is the text in a label, which may hold a whole page and be that of many fields.
  const textOf = (label, bound, cache) => {
    if (!cache.has(label)) {
      const walker = document.createTreeWalker(label, NodeFilter.SHOW_TEXT);
      let text = '';
      for (let n = 0; text.length < bound && n < 200 && walker.nextNode(); n++) {
        const parent = localName(parentNode(walker.currentNode));
        if (!SKIPPED.has(parent) && !FIELDS.has(parent))
          text += ` ${nodeValue(walker.currentNode).slice(0, bound)}`;
      }
      cache.set(label, clean(text).slice(0, bound));
    }
    return cache.get(label);
  };

  const labelOf = (element, bound, cache) =>
    attempt(() => clean([...element.labels || []].slice(0, 10).map(label => textOf(label, bound, cache)).join(' ')), '');

  const placeOf = element => {
    const box = rectangle(element);
    const round = v => Math.round(v * 10) / 10;
    return { x: round(box.x + scrollX), y: round(box.y + scrollY), width: round(box.width), height: round(box.height) };
  };

  // basics are what an element says of itself, without its text and surroundings.
  const basics = (element, tag, settings, labels) => {
    const cut = s => s && s.length > settings.text ? s.slice(0, settings.text) : s || undefined;
    const print = { version: 1, tag };
    for (const [field, name] of [['id', 'id'], ['name', 'name'], ['class', 'class'], ['alt', 'alt'], ['title', 'title'], ['placeholder', 'placeholder']]) {
      const value = attribute(element, name);
      if (value)
        print[field] = cut(clean(value));
    }
    for (const name of TEST_IDS) {
      const value = attribute(element, name);
      if (value && !print.testId)
        print.testId = cut(value);
    }
    if (tag === 'input' || tag === 'button') {
      print.type = cut((attribute(element, 'type') || (tag === 'input' ? 'text' : 'submit')).toLowerCase());
      if (tag === 'input' && BUTTONS.has(print.type))
        print.value = cut(clean(attribute(element, 'value')));
    }
    // Queries and fragments are not compared, and may hold what nobody should keep.
    const address = s => cut((s || '').replace(/#.*$/s, '').replace(/\?.+$/s, '?').replace(/\/\/[^/@]*@/, '//'));
    if ((tag === 'a' || tag === 'area') && !/^\s*#/.test(attribute(element, 'href') || '')) // those lead to this page
      print.href = attempt(() => address(typeof element.href === 'string' ? element.href : attribute(element, 'href')), undefined);
    else if ((tag === 'button' || print.value) && attribute(element, 'formaction'))
      print.href = attempt(() => address(element.formAction), undefined);
    print.role = attempt(() => role(element), '') || undefined;
    if (FIELDS.has(tag)) {
      print.label = cut(labelOf(element, settings.text, labels));
      const purpose = clean(attribute(element, 'autocomplete')).toLowerCase();
      if (purpose && purpose !== 'on' && purpose !== 'off')
        print.autocomplete = cut(purpose);
      print.disabled = attempt(() => !!element.disabled || undefined, undefined);
      print.readOnly = attempt(() => !!element.readOnly || undefined, undefined);
      print.required = attempt(() => !!element.required || undefined, undefined);
      if (print.type === 'checkbox' || print.type === 'radio')
        print.checked = attempt(() => !!element.checked || undefined, undefined);
    } else if (attribute(element, 'aria-disabled') === 'true' || tag === 'button' && attribute(element, 'disabled') !== null) {
      print.disabled = true;
    }
    print.box = placeOf(element);
    if (print.type !== 'file') // those are used while they are hidden behind a button of the page's own
      print.visible = visibleStyle(element) && print.box.width > 0 && print.box.height > 0;
    return print;
  };

  // nameOf is the accessible name: what the author gave, else the labels, else the text for roles that are named by their content.
  const nameOf = (element, print, bound, labels) => {
    const ids = clean(attribute(element, 'aria-labelledby')).split(' ').filter(Boolean).slice(0, 10);
    const labelled = clean(ids.map(id => attempt(() => textOf(element.getRootNode().getElementById(id), bound, labels), '')).join(' '));
    return labelled || clean(attribute(element, 'aria-label')) || print.value || print.alt || print.label ||
      (NAMED_BY_CONTENT.has(print.role) || print.tag === 'svg' ? print.text : '') || print.title || print.placeholder || '';
  };
  const NAMED_BY_CONTENT = new Set(['button', 'cell', 'checkbox', 'columnheader', 'gridcell', 'heading', 'link', 'menuitem', 'menuitemcheckbox',
    'menuitemradio', 'option', 'radio', 'row', 'rowheader', 'switch', 'tab', 'treeitem', 'label', 'summary']);

  // page describes the elements of the document and its open shadow roots, in the order of the document.
  const page = (root, settings) => {
    let target = null, found;
    if (settings.query) {
      [target] = selectors.queryAll(root, JSON.stringify(settings.query));
      if (!target)
        return null;
      if (settings.chosen)
        found = settings.query.alternatives.map(parts => attempt(() => find(root, parts).includes(target), false));
    }
    const until = performance.now() + settings.ms;
    const elements = [], runs = [], labels = new Map();
    let cut = '', at = -1, nodes = 0, heading = '';
    const cutText = s => s.length > settings.text ? s.slice(0, settings.text) : s;

    const enter = (node, parent, path, idPath, shadow) => ({
      node, path, idPath, shadow, landmark: parent ? parent.landmark : '', tag: '', print: null, text: '', counts: {}, shown: true,
      next: firstChild(node), first: runs.length, heading: null, inner: null,
    });
    const top = enter(root.nodeType === Node.DOCUMENT_NODE ? root : root.ownerDocument, null, '', '', []);
    const stack = [top];
    while (stack.length) {
      const parent = stack[stack.length - 1];
      const node = parent.next;
      if (!node) {
        stack.pop();
        leave(parent, stack[stack.length - 1]);
        continue;
      }
      parent.next = nextSibling(node);
      nodes++;
      if (nodes > MOST_NODES || elements.length >= settings.elements)
        cut = `it has more than ${elements.length >= settings.elements ? settings.elements + ' elements' : MOST_NODES + ' nodes'}`;
      else if (nodes % 64 === 0 && performance.now() > until)
        cut = `it took more than ${settings.ms} ms to look at`;
      if (cut)
        break;
      if (node.nodeType === Node.TEXT_NODE) {
        const value = clean(nodeValue(node).slice(0, settings.text * 2));
        if (value) {
          if (/^\s/.test(nodeValue(node)) && parent.text.length < settings.text)
            parent.text += ' ';
          if (parent.text.length < settings.text)
            parent.text += value + (/\s$/.test(nodeValue(node)) ? ' ' : '');
          if (parent.shown)
            runs.push({ text: value.slice(0, 60), of: parent });
        }
        continue;
      }
      if (node.nodeType !== Node.ELEMENT_NODE)
        continue;
      const tag = localName(node).toLowerCase();
      parent.counts[tag] = (parent.counts[tag] || 0) + 1;
      if (SKIPPED.has(tag) && node !== target)
        continue;
      const step = `/${tag}[${parent.counts[tag]}]`;
      const path = parent.path + step;
      if (path.length > DEEPEST_PATH || parent.shadow.length > DEEPEST_SHADOW) {
        continue; // deeper elements can't be named
      }
      const id = attribute(node, 'id');
      const entered = enter(node, parent, path, id && !id.includes("'") ? `//*[@id='${id}']` : parent.idPath && parent.idPath + step, parent.shadow);
      entered.tag = tag;
      entered.landmark = landmarkOf(node, tag) || parent.landmark;
      if (!NO_CANDIDATES.has(tag) || node === target) {
        const print = entered.print = basics(node, tag, settings, labels);
        print.xpath = path;
        print.idPath = entered.idPath || undefined;
        if (parent.shadow.length)
          print.shadow = parent.shadow;
        print.landmark = entered.landmark || undefined;
        print.heading = cutText(heading) || undefined;
        entered.shown = print.visible || visibleStyle(node);
        if (node === target)
          at = elements.length;
        elements.push(entered);
      }
      if (tag === 'svg') { // what is in a picture is no element to act on
        const title = attempt(() => clean(textContent(node.querySelector('title'))), '');
        entered.text = title.slice(0, settings.text);
        entered.next = null;
      }
      if (tag === 'textarea' || attribute(node, 'contenteditable') !== null && attribute(node, 'contenteditable') !== 'false')
        entered.next = null; // that is what was typed
      if (tag === 'fieldset' || tag === 'table')
        entered.heading = heading;
      const inner = shadowRoot(node);
      if (inner) {
        const host = enter(inner, entered, '', '', parent.shadow.concat(path));
        host.host = entered;
        host.shown = entered.shown;
        stack.push(entered, host);
        continue;
      }
      stack.push(entered);
    }

    function leave(entered, parent) {
      const text = clean(entered.text);
      if (entered.host && entered.host.text.length < settings.text) { // of a shadow root
        entered.host.text += ` ${text} `;
        return;
      }
      entered.last = runs.length;
      if (/^h[1-6]$/.test(entered.tag) || entered.tag === 'legend' || entered.tag === 'caption')
        heading = text || heading;
      if (entered.heading !== null)
        heading = entered.heading;
      if (entered.print && text)
        entered.print.text = cutText(text);
      if (parent && (entered.shown || !parent.shown) && text && parent.text.length < settings.text)
        parent.text += INLINE.has(entered.tag) ? entered.text : ` ${text} `;
    }
    while (stack.length) { // what was left open when time was up
      const entered = stack.pop();
      leave(entered, stack[stack.length - 1]);
    }

    for (const entered of elements) {
      const print = entered.print;
      print.accessibleName = cutText(nameOf(entered.node, print, settings.text, labels)) || undefined;
      const around = [];
      const side = (run, before) => {
        if (!run)
          return;
        around.push(run.text);
        const other = run.of.print && run.of.print.box;
        if (!other || print.box.height === 0)
          return;
        const middle = other.y + other.height / 2;
        const beside = middle >= print.box.y && middle <= print.box.y + print.box.height;
        const key = beside ? (before ? 'left' : 'right') : (before ? 'above' : 'below');
        print.neighbours[key] = print.neighbours[key] || run.text;
      };
      print.neighbours = {};
      for (let k = 1; k <= 2; k++)
        side(runs[entered.first - k], true);
      for (let k = 0; k < 2; k++)
        side(runs[entered.last + k], false);
      if (around.length)
        print.neighbours.around = cutText(around.join(' '));
      else
        print.neighbours = undefined;
    }
    if (target && at < 0) { // it is beyond what could be looked at
      const print = basics(target, localName(target).toLowerCase(), settings, labels), place = pathOf(target);
      print.xpath = place.xpath;
      if (place.shadow.length)
        print.shadow = place.shadow;
      print.text = cutText(clean((textContent(target) || '').slice(0, settings.text * 2))) || undefined;
      if (/^(textarea|select)$/.test(print.tag))
        print.text = undefined;
      print.accessibleName = cutText(nameOf(target, print, settings.text, labels)) || undefined;
      at = elements.length;
      elements.push({ print });
    }
    return { elements: elements.map(entered => entered.print), target: at, found, cut };
  };

  // at finds the element of a path, by counting.
  const elementAt = (root, path) => {
    let node = root;
    for (const step of path.split('/').slice(1)) {
      const [, tag, index] = /^(.+)\[(\d+)\]$/.exec(step) || [];
      let left = Number(index);
      for (node = firstChild(node); node; node = nextSibling(node)) {
        if (node.nodeType === Node.ELEMENT_NODE && localName(node).toLowerCase() === tag && --left === 0)
          break;
      }
      if (!node)
        return null;
    }
    return node === root ? null : node;
  };

  const resolve = (root, settings) => {
    let scope = root.nodeType === Node.DOCUMENT_NODE ? root : root.ownerDocument;
    for (const host of settings.shadow || []) {
      const element = elementAt(scope, host);
      scope = element && shadowRoot(element);
      if (!scope)
        return null;
    }
    return elementAt(scope, settings.xpath);
  };

  const verify = (root, settings) => {
    const element = resolve(root, settings);
    if (!element)
      return { there: false };
    const accept = settings.want === 'visible' ? isVisible : () => true;
    return {
      there: accept(element), print: basics(element, localName(element).toLowerCase(), settings, new Map()),
      only: settings.alternatives.map(parts => attempt(() => {
        const found = find(root, parts).filter(accept);
        return found.length === 1 && found[0] === element;
      }, false)),
    };
  };

  // What one may click to get rid of something that lies over a page: controls that say nothing else.
  const CLOSE = ['close', 'dismiss', 'x', '×', '✕', '✖', 'no thanks', 'no, thanks', 'not now', 'maybe later', 'skip', 'schließen', 'schliessen',
    'nein danke', 'nein, danke', 'später', 'fermer', 'non merci', 'cerrar', 'no gracias', 'chiudi', 'sluiten'];
  const REJECT = ['reject', 'reject all', 'decline', 'decline all', 'refuse', 'only necessary', 'necessary only', 'only essential', 'essential only',
    'only necessary cookies', 'reject cookies', 'ablehnen', 'alle ablehnen', 'nur notwendige', 'nur notwendige cookies', 'nur erforderliche',
    'refuser', 'tout refuser', 'rechazar', 'rechazar todo', 'rifiuta'];
  const ACCEPT = ['accept', 'accept all', 'accept cookies', 'accept all cookies', 'allow', 'allow all', 'agree', 'i agree', 'i accept', 'got it', 'ok',
    'okay', 'understood', 'akzeptieren', 'alle akzeptieren', 'zustimmen', 'einverstanden', 'verstanden', 'accepter', 'tout accepter',
    "j'accepte", 'aceptar', 'aceptar todo', 'accetta'];
  const CONSENT = /cookie|consent|gdpr|ccpa|privacy|datenschutz|confidentialit|privacidad/i;
  const PROMOTION = /newsletter|subscribe|mailing list|discount|% off|special offer|survey|our app|our club|notifications|what.s new|neuigkeiten|rabatt|umfrage/i;
  const TROUBLE = /error|fail|sorry|problem|warning|invalid|denied|expired|fehler|problem|ungültig|erreur|échou/i;

  const around = node => parentNode(node) || (node.nodeType === Node.DOCUMENT_FRAGMENT_NODE ? node.host : null);

  const topmost = (x, y) => {
    let found = document.elementFromPoint(x, y);
    while (found && shadowRoot(found)) {
      const inner = shadowRoot(found).elementFromPoint(x, y);
      if (!inner || inner === found)
        break;
      found = inner;
    }
    return found;
  };

  // pathOf is where an element is: its path in its own root, and those of the hosts around it, the outermost first.
  const pathOf = element => {
    const paths = [];
    let path = '';
    for (let node = element; node; node = around(node)) {
      if (node.nodeType !== Node.ELEMENT_NODE) {
        paths.unshift(path);
        path = '';
        continue;
      }
      let index = 1;
      const parent = parentNode(node);
      for (let other = parent && firstChild(parent); other && other !== node; other = nextSibling(other)) {
        if (other.nodeType === Node.ELEMENT_NODE && localName(other) === localName(node))
          index++;
      }
      path = `/${localName(node).toLowerCase()}[${index}]${path}`;
    }
    return { xpath: paths.pop(), shadow: paths };
  };

  // cover finds what lies over an element, and how to get rid of it, if that is a consent banner or an advertisement.
  const cover = (root, settings) => {
    const [target] = selectors.queryAll(root, JSON.stringify(settings.query));
    if (!target)
      return { why: 'the element is not there' };
    attempt(() => target.scrollIntoView({ block: 'center', behavior: 'instant' }));
    const box = rectangle(target);
    const over = topmost(box.x + box.width / 2, box.y + box.height / 2);
    if (!over)
      return { why: 'nothing lies over the element' };
    for (let node = over; node; node = around(node)) {
      if (node === target)
        return { why: 'nothing lies over the element' };
    }
    let overlay = null;
    for (let node = over; node && node !== document.body; node = around(node)) {
      if (node.nodeType !== Node.ELEMENT_NODE)
        continue;
      if (attempt(() => node.contains(target), true))
        break;
      if (localName(node) === 'dialog' || attribute(node, 'role') === 'dialog' || /fixed|sticky|absolute/.test(getComputedStyle(node).position))
        overlay = node;
    }
    if (!overlay)
      return { why: 'what lies over the element is part of the page, and no banner or dialog' };
    const controls = [], texts = [];
    const scopes = [overlay];
    for (let i = 0; i < scopes.length && i < 50; i++) {
      if (shadowRoot(scopes[i]))
        scopes.push(shadowRoot(scopes[i]));
      texts.push(textContent(scopes[i]).slice(0, 2000));
      for (const element of [...scopes[i].querySelectorAll('*')].slice(0, 500)) {
        if (shadowRoot(element))
          scopes.push(shadowRoot(element));
        if (['button', 'link'].includes(attempt(() => role(element), '')) && isVisible(element) && !element.disabled)
          controls.push({ element, caption: attempt(() => accessibleName(element), '') });
      }
    }
    const said = clean(texts.join(' ')), marks = `${attribute(overlay, 'id') || ''} ${attribute(overlay, 'class') || ''} ${attribute(overlay, 'aria-label') || ''}`;
    const consent = CONSENT.test(said) || CONSENT.test(marks), name = clean(said).slice(0, 80);
    if (!consent && !PROMOTION.test(said))
      return { why: `a dialog lies over the element that is neither a consent banner nor an advertisement (${JSON.stringify(name)})` };
    if (!consent && TROUBLE.test(said))
      return { why: `a dialog lies over the element that may tell of trouble (${JSON.stringify(name)})` };
    const key = caption => clean(caption).toLowerCase().replace(/[.!]+$/, '');
    for (const words of consent ? [REJECT, CLOSE, ACCEPT] : [CLOSE]) {
      const fit = controls.filter(control => words.includes(key(control.caption)));
      if (fit.length === 1)
        return { control: pathOf(fit[0].element), caption: clean(fit[0].caption), overlay: name, consent };
    }
    return { why: `what lies over the element has no single control that closes it (${JSON.stringify(name)})` };
  };

  const modes = { page, verify, cover };
  const queryAll = (root, body) => {
    const settings = JSON.parse(body);
    if (settings.mode === 'at') { // the element itself
      const element = resolve(root, settings);
      return element ? [element] : [];
    }
    const answer = modes[settings.mode](root, settings);
    if (!answer)
      return [];
    const note = document.createElement('span');
    note.textContent = JSON.stringify(answer);
    return [note];
  };
  return { queryAll, query: (root, body) => queryAll(root, body)[0] };
})
