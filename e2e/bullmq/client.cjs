// A client of a queue, as others have them, made of nothing but the real bullmq library: it does what it is told.
//
// Usage: node client.cjs CLIENT REDIS_URL QUEUE. Writes {"ready":true}; then carries out each line of JSON on standard input,
// {"on": "queue", "method": …, "args": […]} or {"on": "job", "id": …, "method": …, "args": […]}, or {"on": "worker", "delay": ms, "lock": ms} which
// starts a real Worker that answers every job after that time and locks it for so long, and {"on": "stop"} which stops it; or
// {"on": "redis", "commands": [[…]]}, which are sent in one transaction.
'use strict';

const readline = require('node:readline');

const Redis = require('ioredis');

const [client, address, queueName] = process.argv.slice(2);
const bullmq = require(client);

const url = new URL(address);
const connection = {
  host: url.hostname,
  port: Number(url.port),
  username: url.username || undefined,
  password: decodeURIComponent(url.password) || undefined,
  db: Number(url.pathname.slice(1) || 0),
  maxRetriesPerRequest: null,
  retryStrategy: () => 50,
};

const plain = (value) => {
  if (Array.isArray(value)) return value.map(plain);
  if (value && value.queueQualifiedName) {
    const { id, name, data, opts, priority, delay, attemptsMade, attemptsStarted, failedReason, returnvalue, processedBy } = value;
    return { id, name, data, opts, priority, delay, attemptsMade, attemptsStarted, failedReason, returnvalue, processedBy };
  }
  return value === undefined ? null : value;
};

async function main() {
  const queue = new bullmq.Queue(queueName, { connection });
  queue.on('error', () => {});
  await queue.waitUntilReady();
  let worker;
  let redis;
  console.log(JSON.stringify({ ready: true }));
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const { on, id, method, args = [], delay, lock = 30000, commands } = JSON.parse(line);
    let reply;
    try {
      if (on === 'queue') {
        reply = { value: plain(await queue[method](...args)) };
      } else if (on === 'job') {
        const job = await queue.getJob(id);
        if (!job) throw new Error(`there is no job ${id}`);
        reply = { value: plain(await job[method](...args)) };
      } else if (on === 'redis') {
        redis ??= new Redis(connection);
        const transaction = redis.multi();
        for (const [name, ...rest] of commands) transaction.call(name, ...rest);
        reply = { value: (await transaction.exec()).map(([err, value]) => { if (err) throw err; return value; }) };
      } else if (on === 'worker') {
        worker = new bullmq.Worker(queueName, async (job) => {
          await new Promise((done) => { setTimeout(done, delay); });
          return { testRunId: job.data.testRunId, status: 'completed', totalSteps: 1, completedSteps: 1, failedSteps: 0, adaptedSteps: 0, duration: delay };
        }, { connection, name: 'legacy', lockDuration: lock });
        await worker.waitUntilReady();
        reply = { value: null };
      } else {
        await worker.close();
        reply = { value: null };
      }
    } catch (err) {
      reply = { error: err.message };
    }
    console.log(JSON.stringify(reply));
  }
  if (worker) await worker.close();
  await queue.close();
  if (redis) await redis.quit();
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
