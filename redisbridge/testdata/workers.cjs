// Prints the names of the workers that the real client sees, one a line.
// Usage: node workers.cjs <node_modules> <package> <redis url> <prefix> <queue>
'use strict';
const path = require('node:path');

const [modules, name, url, prefix, queueName] = process.argv.slice(2);
const { Queue } = require(path.join(modules, name));
const { hostname: host, port, username, password } = new URL(url);

(async () => {
  const queue = new Queue(queueName, { connection: { host, port: Number(port), username, password }, prefix });
  for (const worker of await queue.getWorkers()) console.log(worker.rawname ?? worker.name);
  await queue.close();
})();
