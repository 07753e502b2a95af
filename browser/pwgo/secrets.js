// Reports what is typed into password fields and the like, so that recordings can mask it. Runs in every page of a session
// that is recorded, before the page's own scripts. Calls the binding __cinnamonSecret(value).
(() => {
  const report = window.__cinnamonSecret;
  if (!report) return;
  const isSecret = e => e && e.localName === 'input' &&
    (e.type === 'password' || /password|one-time-code|cc-(number|csc)/.test(e.autocomplete));
  for (const type of ['input', 'change']) {
    document.addEventListener(type, event => {
      const field = event.composedPath()[0];
      if (isSecret(field) && field.value) report(field.value);
    }, true);
  }
})();
