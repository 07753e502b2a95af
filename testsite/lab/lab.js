// The lab says in #out what happened to it. Loaded by all its pages; each has some of the parts.
const out = document.getElementById('out');
const say = text => { out.textContent = text; };
const on = (id, type, handle) => document.getElementById(id)?.addEventListener(type, handle);

for (const type of ['input', 'change']) document.addEventListener(type, async event => {
  const field = event.composedPath()[0];
  if (field.files) {
    const texts = await Promise.all([...field.files].map(async file => `${file.name} ${await file.text()}`));
    return say(texts.join('; '));
  }
  const box = field.type === 'checkbox' || field.type === 'radio';
  const value = box ? field.checked : field.multiple ? [...field.selectedOptions].map(o => o.value).join('+') :
    field.isContentEditable ? field.textContent : field.value;
  say(`${field.id} ${value}`);
});
document.addEventListener('click', event => {
  const button = event.composedPath().find(e => e.localName === 'button');
  if (button && !button.dataset.quiet) say(`clicked ${button.id || button.className}`);
});
document.addEventListener('keydown', event => say(`down ${event.ctrlKey ? 'Control+' : ''}${event.key}`));
document.addEventListener('keyup', event => { if (event.key === 'Shift') say('up Shift'); });
document.getElementById('form')?.addEventListener('submit', event => event.preventDefault());
on('box', 'scroll', event => say(`box ${event.target.scrollLeft} ${event.target.scrollTop}`));
on('menu', 'mouseenter', () => say('menu open'));

on('pad', 'pointerdown', event => say(`${event.pointerType} button ${event.button} at ${Math.round(event.offsetX)} ${Math.round(event.offsetY)}`));
on('pad', 'contextmenu', event => event.preventDefault());
on('pad', 'dblclick', () => say('double'));
on('pad', 'touchend', () => say('tapped'));

on('from', 'dragstart', event => event.dataTransfer.setData('text/plain', 'cargo'));
on('to', 'dragover', event => event.preventDefault());
on('to', 'drop', event => { event.preventDefault(); say(`dropped ${event.dataTransfer.getData('text/plain')}`); });

on('alert', 'click', () => { alert('Look out'); say('alert answered'); });
on('confirm', 'click', () => say(`confirm ${confirm('Really?')}`));
on('prompt', 'click', () => say(`prompt ${prompt('Your name?', 'Ada')}`));
on('fetch', 'click', async () => say(`fetched ${(await (await fetch('/lab/echo?q=1')).json()).method}`));
on('slow', 'click', async () => { const began = performance.now(); await fetch('/lab/echo?size=20000'); say(performance.now() - began > 300 ? 'took long' : 'took no time'); });
on('window', 'click', () => { window.open('/lab/tab?n=2', 'second', 'width=400,height=300'); });
on('close-tab', 'click', () => window.close());
on('go', 'click', () => { location.href = '/lab/'; });
on('push', 'click', () => { history.pushState({}, '', '?pushed'); document.title = 'Pushed'; say('pushed'); });

// Parts that come late.
setTimeout(() => {
  const host = document.getElementById('late-host');
  if (host) host.innerHTML = '<button id="late">Late button</button>';
  window.lab = { ready: true, visits: Number(localStorage.getItem('visits')) };
}, 150);

customElements.define('lab-card', class extends HTMLElement {
  connectedCallback() {
    const root = this.attachShadow({ mode: 'open' });
    root.innerHTML = '<section><button class="buy">Buy now</button><lab-price></lab-price><slot></slot></section>';
  }
});
customElements.define('lab-price', class extends HTMLElement {
  connectedCallback() {
    const root = this.attachShadow({ mode: 'open' });
    root.innerHTML = '<label>Amount <input id="amount" value="1"></label><button class="deep"><span>Deep inside</span></button>';
  }
});

// What the browser says of itself.
const self = document.getElementById('self');
if (self) {
  const facts = {
    language: navigator.language, timezone: Intl.DateTimeFormat().resolvedOptions().timeZone, width: innerWidth, ratio: devicePixelRatio,
    touch: navigator.maxTouchPoints, scheme: matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light',
    orientation: screen.orientation.type, mobile: /Mobile/.test(navigator.userAgent), cookie: document.cookie,
    stored: localStorage.getItem('stored') ?? '', online: navigator.onLine,
  };
  for (const [name, value] of Object.entries(facts)) self.insertAdjacentHTML('beforeend', `<dt>${name}</dt><dd id="${name}"></dd>`);
  for (const [name, value] of Object.entries(facts)) document.getElementById(name).textContent = value;
  navigator.permissions.query({ name: 'geolocation' }).then(({ state }) => {
    if (state === 'granted') navigator.geolocation.getCurrentPosition(p => say(`at ${p.coords.latitude} ${p.coords.longitude}`));
    else say(`geolocation ${state}`);
  });
}
