// A page in a real Chromium that does what it is told.
//
// Usage: node page.cjs [EXECUTABLE]. Writes {"ready":true}; then carries out each line of JSON on standard input: {"on": SELECTOR,
// "method": …, "args": […]} calls a method of the first element's locator, or without "on" one of the page. {"method": "troubles"}
// returns what went wrong in the page since it was asked last: errors of its scripts, and answers that were errors. {"method": "pick",
// "on": SELECTOR, "args": [NAME]} clicks on that of the elements which says so in the hint that it shows under the mouse.
'use strict';

const readline = require('node:readline');
const { chromium } = require('playwright-core');

const [executablePath] = process.argv.slice(2);

async function pick(page, selector, name) {
  const buttons = page.locator(selector);
  await buttons.first().waitFor();
  const hint = page.locator('[data-base-ui-portal] [role=presentation] [data-open]').first();
  const seen = [];
  for (let i = 0; i < await buttons.count(); i++) {
    await buttons.nth(i).hover();
    await hint.waitFor();
    seen.push(await hint.innerText());
    if (seen[i] === name) return buttons.nth(i).click();
    await page.mouse.move(0, 0);
    await hint.waitFor({ state: 'hidden' });
  }
  throw new Error(`none of the buttons is called ${name}: ${seen.join(', ')}`);
}

async function main() {
  const browser = await chromium.launch({
    executablePath: executablePath || undefined,
    chromiumSandbox: process.geteuid() !== 0,
    args: ['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' });
  page.setDefaultTimeout(20_000);
  let troubles = [];
  page.on('pageerror', (err) => troubles.push(`script: ${err.message}`));
  page.on('response', (res) => {
    if (res.status() >= 400) troubles.push(`${res.status()} ${res.request().method()} ${res.url()}`);
  });
  console.log(JSON.stringify({ ready: true }));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { on, method, args = [] } = JSON.parse(line);
    let reply;
    try {
      if (method === 'troubles') {
        reply = { value: troubles };
        troubles = [];
      } else if (method === 'pick') {
        await pick(page, on, ...args);
        reply = { value: null };
      } else {
        const target = on ? page.locator(on).first() : page;
        let value = await target[method](...args);
        if (value && typeof value.status === 'function') value = value.status(); // of goto
        if (Buffer.isBuffer(value)) value = null; // of screenshot
        reply = { value: value === undefined ? null : value };
      }
    } catch (err) {
      reply = { error: err.message };
    }
    console.log(JSON.stringify(reply));
  }
  await browser.close();
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
