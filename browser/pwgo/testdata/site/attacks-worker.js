// The service worker of attacks.html: asks for ?to= when it is installed.
const to = new URL(location).searchParams.get('to');
self.addEventListener('install', (event) => event.waitUntil(fetch(to, { mode: 'no-cors' }).catch(() => {})));
