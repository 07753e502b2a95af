// A consumer of the test-execution queue, as others have them, made of nothing but the real bullmq library.
//
// Usage: node judge.cjs CLIENT REDIS_URL. Writes {"ready":true}; then answers each job id on standard input with one
// line of JSON that says all that the library knows of that job.
'use strict';

const readline = require('node:readline');

const [client, address] = process.argv.slice(2);
const { Queue, QueueEvents } = require(client);
const Redis = require('ioredis');

const queueName = 'test-execution';
const names = ['added', 'waiting', 'active', 'progress', 'completed', 'failed', 'delayed', 'stalled', 'removed', 'retries-exhausted'];

async function main() {
  const url = new URL(address);
  const connection = {
    host: url.hostname,
    port: Number(url.port),
    username: url.username || undefined,
    password: decodeURIComponent(url.password) || undefined,
    db: Number(url.pathname.slice(1) || 0),
    maxRetriesPerRequest: null,
    retryStrategy: () => 50, // comes back soon after a Redis that was away
  };
  const quiet = (emitter) => emitter.on('error', () => {});
  const queue = new Queue(queueName, { connection });
  const listener = new QueueEvents(queueName, { connection, lastEventId: '0-0' });
  const redis = new Redis(connection);
  const subscriber = new Redis(connection);
  [queue, listener, redis, subscriber].forEach(quiet);

  const events = new Map();
  for (const name of names) {
    listener.on(name, (args) => {
      const list = events.get(args.jobId) || [];
      list.push({ name, args });
      events.set(args.jobId, list);
    });
  }
  const published = new Map();
  subscriber.on('pmessage', (_pattern, channel) => published.set(channel, (published.get(channel) || 0) + 1));
  await subscriber.psubscribe('progress:*');
  await Promise.all([queue.waitUntilReady(), listener.waitUntilReady()]);
  console.log(JSON.stringify({ ready: true }));

  for await (const id of readline.createInterface({ input: process.stdin })) {
    const key = `progress:${id}`;
    const [job, state, counts, record, ttl, waiting] = await Promise.all([
      queue.getJob(id), queue.getJobState(id), queue.getJobCounts(), redis.get(key), redis.ttl(key),
      redis.lrange(`bull:${queueName}:waiting`, 0, -1),
    ]);
    const shown = job && {
      name: job.name, data: job.data, opts: job.opts, progress: job.progress || undefined, returnvalue: job.returnvalue,
      failedReason: job.failedReason, stacktrace: job.stacktrace || undefined, attemptsMade: job.attemptsMade,
      attemptsStarted: job.attemptsStarted, stalledCounter: job.stalledCounter, processedBy: job.processedBy,
      finishedOn: job.finishedOn,
    };
    console.log(JSON.stringify({
      state, counts, job: shown, events: events.get(id) || [], record: JSON.parse(record), ttl,
      published: published.get(key) || 0, waiting,
    }));
  }
  await Promise.all([queue.close(), listener.close(), redis.quit(), subscriber.quit()]);
}

main().catch((err) => {
  console.error(err);
  process.exit(1);
});
