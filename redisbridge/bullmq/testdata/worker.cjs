// The real BullMQ client and worker, on any queue of a prefix. Answers requests, one line of JSON each, over stdin and
// stdout. Usage: node worker.cjs <node_modules> <package> <redis url> <prefix>
'use strict';
const path = require('node:path');
const readline = require('node:readline');

const [modules, name, url, prefix] = process.argv.slice(2);
const { Queue, Worker, FlowProducer, DelayedError, RateLimitError, UnrecoverableError } = require(path.join(modules, name));
const { WaitingError } = require(path.join(modules, name)); // not in all versions
const { hostname: host, port, username, password } = new URL(url);
const options = { connection: { host, port: Number(port), username, password }, prefix };
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));

const queues = new Map();
const workers = new Map();
const on = queue => {
  if (!queues.has(queue)) queues.set(queue, new Queue(queue, options));
  return queues.get(queue);
};

// What a job's data asks for. The worker in Go that is compared with this one does the same: see worker_setup_test.go.
async function handle(job, token) {
  const { data } = job;
  const first = job.attemptsStarted === 1;
  switch (data.do) {
    case 'fail':
      await sleep(data.ms || 0);
      if (job.attemptsMade < data.times) throw data.final ? new UnrecoverableError(data.msg) : new Error(data.msg);
      break;
    case 'sleep':
      await sleep(data.ms);
      break;
    case 'progress':
      for (const step of data.steps) {
        await job.updateProgress(step);
        await job.log('step ' + JSON.stringify(step));
      }
      break;
    case 'later':
      if (!first) break;
      await job.moveToDelayed(Date.now() + data.ms, token);
      throw new DelayedError();
    case 'limit':
      if (!first) break;
      await on(job.queueName).rateLimit(data.ms);
      throw new RateLimitError();
    case 'back':
      if (!first) break;
      await job.moveToWait(token);
      throw new WaitingError();
  }
  return data.result;
}

const answers = {
  ready: async queue => { await on(queue).waitUntilReady(); },
  // queue calls a method and returns the id of the job that it made, if any, or the ids.
  async queue(queue, method, ...args) {
    const value = await on(queue)[method](...args);
    if (Array.isArray(value)) return value.map(one => (one && one.id) || one);
    return value && value.id ? value.id : typeof value === 'object' ? null : value;
  },
  job: async (queue, id, method, ...args) => { await (await on(queue).getJob(id))[method](...args); },
  workers: async queue => (await on(queue).getWorkers()).map(({ rawname }) => rawname),
  async flow(flow) {
    const producer = new FlowProducer(options);
    await producer.add(flow);
    await producer.close();
  },
  // take makes a job active and leaves it, like a worker that dies.
  async take(queue) {
    const worker = new Worker(queue, null, { ...options, autorun: false, name: 'dead' });
    await worker.waitUntilReady();
    const job = await worker.getNextJob('dead', { block: false });
    await worker.close(true);
    return job.id;
  },
  async start(queue, more) {
    const worker = new Worker(queue, handle, { ...options, name: 'wk', ...more });
    worker.on('error', error => console.error(queue, error.message));
    workers.set(queue, worker);
    await worker.waitUntilReady();
  },
  async stop(queue) {
    await workers.get(queue).close();
    workers.delete(queue);
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
  await Promise.allSettled([...workers.values(), ...queues.values()].map(one => one.close()));
  process.exit(0);
});
