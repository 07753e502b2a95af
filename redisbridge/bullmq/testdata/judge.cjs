// What the real BullMQ client sees and does. Answers requests, one line of JSON each, over stdin and stdout.
// Usage: node judge.cjs <node_modules> <package> <redis url> <prefix> <queue>
'use strict';
const path = require('node:path');
const readline = require('node:readline');

const [modules, name, url, prefix, queueName] = process.argv.slice(2);
const { Queue, QueueEvents, Worker } = require(path.join(modules, name));
const { hostname: host, port, username, password } = new URL(url);
const options = { connection: { host, port: Number(port), username, password }, prefix };

const queue = new Queue(queueName, options);
const listener = new QueueEvents(queueName, { ...options, lastEventId: '0-0' });
const heard = [];
let tellHeard = () => {};
for (const event of [
  'added', 'waiting', 'active', 'progress', 'delayed', 'completed', 'failed', 'retries-exhausted', 'drained', 'stalled',
  'removed', 'paused', 'resumed', 'error',
]) {
  listener.on(event, args => {
    heard.push([event, event === 'error' ? String(args) : args]);
    tellHeard();
  });
}

let worker;
let running;
const waits = new Map();
const shown = [
  'id', 'name', 'data', 'opts', 'progress', 'returnvalue', 'failedReason', 'stacktrace', 'timestamp', 'delay', 'priority',
  'attemptsMade', 'attemptsStarted', 'processedOn', 'finishedOn', 'processedBy', 'stalledCounter',
];
const show = value => {
  if (Array.isArray(value)) return value.map(show);
  if (value && value.queueQualifiedName) return Object.fromEntries(shown.map(field => [field, value[field]]));
  return value;
};

const answers = {
  async ready() {
    await Promise.all([queue.waitUntilReady(), listener.waitUntilReady()]);
  },
  queue: async (method, ...args) => show(await queue[method](...args)),
  job: async (id, method, ...args) => show(await (await queue.getJob(id))[method](...args)),
  // heard: the first n things that listeners were told.
  heard: n => new Promise(resolve => {
    tellHeard = () => heard.length >= n && resolve(heard);
    tellHeard();
  }),
  // wait starts to wait for a job's end; waited says how that went.
  async wait(id) {
    const job = await queue.getJob(id);
    waits.set(id, job.waitUntilFinished(listener, 20000).then(value => ({ value }), error => ({ error: error.message })));
  },
  waited: id => waits.get(id),
  // The real worker, step by step.
  async take() {
    worker ??= new Worker(queueName, null, { ...options, autorun: false, name: 'wk', metrics: { maxDataPoints: 100 } });
    await worker.waitUntilReady();
    running = await worker.getNextJob('token', { block: false });
    return running ? running.id : null;
  },
  progress: value => running.updateProgress(value),
  complete: async value => { await running.moveToCompleted(value, 'token', false); },
  async fail(message) {
    const error = new Error(message);
    error.stack = 'Error: ' + message;
    await running.moveToFailed(error, 'token', false);
  },
};

readline.createInterface({ input: process.stdin }).on('line', async line => {
  const { id, ask, args } = JSON.parse(line);
  let reply;
  try {
    reply = { id, value: (await answers[ask](...args)) ?? null };
  } catch (error) {
    reply = { id, error: error.stack };
  }
  process.stdout.write(JSON.stringify(reply) + '\n');
}).on('close', async () => {
  await Promise.allSettled([queue.close(), listener.close(), worker?.close()]);
  process.exit(0);
});
