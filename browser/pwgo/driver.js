// Starts Playwright's driver with a folder of its own for temporary files: its
// own ones and those of its browsers. Beside it, driver.json says where the
// driver is.
'use strict';

const fs = require('fs');
const path = require('path');

const home = path.dirname(__dirname);
process.env.TMPDIR = process.env.TEMP = process.env.TMP = home;
if (process.argv.includes('run-driver')) {
  // Whoever started it may be gone. What is still being written stays.
  process.on('exit', () => {
    try {
      fs.rmSync(home, { recursive: true, force: true });
    } catch {}
  });
}
require(require('./driver.json'));
