// BullMQ's side of the comparison. Answers requests, one line of JSON each, over stdin and stdout.
// Usage: node bullmq.cjs <node_modules> <redis url> <prefix>
'use strict';
const path = require('node:path');
const readline = require('node:readline');

const [modules, url, prefix] = process.argv.slice(2);
const { Queue, QueueEvents, Worker } = require(path.join(modules, 'bullmq6'));
const { hostname: host, port, username, password } = new URL(url);
const options = { connection: { host, port: Number(port), username, password }, prefix };
const now = () => performance.timeOrigin + performance.now();
const untrimmed = { ...options, streams: { events: { maxLen: 100_000_000 } } };

let listener;
let delays = [];
let sink;

// life takes jobs through their whole lives and returns how long that took, in ms.
async function life({ queue: name, jobs, concurrency, burst, record, data, result }) {
  const queue = new Queue(name, untrimmed);
  await queue.waitUntilReady();
  const started = now();
  let left = jobs;
  let allDone;
  const done = new Promise(resolve => { allDone = resolve; });
  const worker = new Worker(name, async job => {
    if (burst) {
      await Promise.all([1, 2, 3, 4, 5].map(n => job.updateProgress({ ...record, percentage: 20 * n })));
    } else {
      for (let n = 1; n <= 5; n++) await job.updateProgress({ ...record, percentage: 20 * n });
    }
    return result;
  }, { ...options, concurrency, autorun: false, name: 'wk' });
  worker.on('completed', () => { if (--left === 0) allDone(); });
  worker.on('error', error => { process.stderr.write(error.stack + '\n'); process.exit(1); });
  worker.run();
  for (let from = 0; from < jobs; from += 1000) {
    const bulk = [];
    for (let i = from; i < Math.min(jobs, from + 1000); i++) bulk.push({ name: 'execute-test', data, opts: { attempts: 3 } });
    await queue.addBulk(bulk);
  }
  await done;
  const took = now() - started;
  await worker.close();
  await queue.close();
  return took;
}

const answers = {
  clock: () => now(),
  life,
  // listen starts to measure how old progress is when a listener hears of it: its field sentAt is in ms.
  async listen({ queue }) {
    listener = new QueueEvents(queue, options);
    listener.on('progress', ({ data }) => {
      delays.push(now() - data.sentAt);
      if (sink) sink();
    });
    await listener.waitUntilReady();
  },
  heard: ({ count }) => new Promise(resolve => {
    sink = () => {
      if (delays.length < count) return;
      const all = delays;
      [delays, sink] = [[], undefined];
      resolve(all);
    };
    sink();
  }),
  async unlisten() { await listener.close(); },
  // progress sends updates of one active job, one every so many ms.
  async progress({ queue: name, count, every, record }) {
    const queue = new Queue(name, untrimmed);
    const worker = new Worker(name, null, { ...options, autorun: false });
    await queue.add('execute-test', {});
    await worker.waitUntilReady();
    const job = await worker.getNextJob('token', { block: false });
    for (let n = 0; n < count; n++) {
      await job.updateProgress({ ...record, percentage: n, sentAt: now() });
      await new Promise(resolve => setTimeout(resolve, every));
    }
    await job.moveToCompleted({}, 'token', false);
    await worker.close();
    await queue.close();
  },
};

readline.createInterface({ input: process.stdin }).on('line', async line => {
  const { ask, ...args } = JSON.parse(line);
  let reply;
  try {
    reply = { value: (await answers[ask](args)) ?? null };
  } catch (error) {
    reply = { error: error.stack };
  }
  process.stdout.write(JSON.stringify(reply) + '\n');
}).on('close', () => process.exit(0));
