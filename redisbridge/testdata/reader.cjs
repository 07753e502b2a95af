// A consumer of a queue, made of nothing but the real bullmq library, that reaches Redis in any way ioredis can.
//
// Usage: node reader.cjs NODE_MODULES CLIENT PREFIX QUEUE REDIS, where REDIS is JSON: { nodes, options } of a Cluster, else
// ioredis's options. Writes {"ready":true}; then answers each JOB_ID N on standard input, once the job has ended and N
// messages were published of its progress, with one line of JSON that says what the library knows of that job.
'use strict';
const path = require('node:path');
const readline = require('node:readline');

const [modules, client, prefix, queueName, reach] = process.argv.slice(2);
const { Queue, QueueEvents } = require(path.join(modules, client));
const Redis = require(path.join(modules, 'ioredis'));

const how = JSON.parse(reach);
const soon = { maxRetriesPerRequest: null, retryStrategy: () => 50, sentinelRetryStrategy: () => 50 };
const connect = () => (how.nodes
  ? new Redis.Cluster(how.nodes, { redisOptions: { ...how.options, maxRetriesPerRequest: null }, clusterRetryStrategy: () => 50 })
  : new Redis({ ...how, ...soon }));

const complain = error => console.error(String(error));
const ended = new Map();
const endOf = id => {
  if (!ended.has(id)) {
    let tell;
    const promise = new Promise(resolve => { tell = resolve; });
    ended.set(id, { promise, tell });
  }
  return ended.get(id);
};

async function main() {
  const connections = [connect(), connect(), connect()];
  const [forQueue, forListener, subscriber] = connections;
  const queue = new Queue(queueName, { connection: forQueue, prefix });
  const listener = new QueueEvents(queueName, { connection: forListener, prefix, lastEventId: '0-0' });
  for (const emitter of [queue, listener, ...connections]) emitter.on('error', complain);

  const heard = new Map();
  for (const name of ['added', 'waiting', 'delayed', 'active', 'progress', 'completed', 'failed']) {
    listener.on(name, ({ jobId }) => {
      heard.set(jobId, [...(heard.get(jobId) || []), name]);
      if (name === 'completed' || name === 'failed') endOf(jobId).tell();
    });
  }
  const published = new Map();
  let tellPublished = () => {};
  subscriber.on('pmessage', (_pattern, channel, message) => {
    published.set(channel, [...(published.get(channel) || []), JSON.parse(message)]);
    tellPublished();
  });
  const publishedOf = (id, count) => new Promise(resolve => {
    tellPublished = () => {
      const list = published.get(`progress:${id}`) || [];
      if (list.length >= count) resolve(list);
    };
    tellPublished();
  });
  await subscriber.psubscribe('progress:*');
  await Promise.all([queue.waitUntilReady(), listener.waitUntilReady()]);
  console.log(JSON.stringify({ ready: true }));

  for await (const line of readline.createInterface({ input: process.stdin })) {
    const [id, count] = line.split(' ');
    await endOf(id).promise;
    const told = await publishedOf(id, Number(count));
    const [job, state, counts] = await Promise.all([queue.getJob(id), queue.getJobState(id), queue.getJobCounts()]);
    console.log(JSON.stringify({
      state, counts, name: job.name, data: job.data, returnvalue: job.returnvalue, progress: job.progress,
      events: heard.get(id) || [], published: told,
    }));
  }
  await Promise.allSettled([queue.close(), listener.close()]);
  for (const connection of connections) connection.disconnect();
  process.exit(0);
}

main().catch(error => {
  console.error(error);
  process.exit(1);
});
