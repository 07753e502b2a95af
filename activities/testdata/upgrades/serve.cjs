// Early and late versions of real applications, served side by side, without a network.
//
// Usage: node serve.cjs REDIS_URL PREFIX. Writes {"early": {application: url}, "late": {…}} when all listen, and ends with its standard input.
'use strict';

const { createRequire } = require('node:module');
const path = require('node:path');

const { Queue, Worker } = require('bullmq');
const express = require('express');
const { buildSchema, graphql } = require('graphql');

process.chdir(__dirname); // early boards look for their files from there
const [address, prefix] = process.argv.slice(2);
const redis = new URL(address);
const connection = { host: redis.hostname, port: Number(redis.port), password: decodeURIComponent(redis.password) || undefined, maxRetriesPerRequest: null };

const listen = (app) => new Promise((done) => {
  const server = app.listen(0, '127.0.0.1', () => done(`http://127.0.0.1:${server.address().port}`));
});

// The pages that show an application are the same for both versions, but for the folders that it comes from.
const shown = {
  swagger: { early: { lib: 'swagger-ui-3' }, late: { lib: 'swagger-ui-5' } },
  tinymce: { early: { lib: 'tinymce-4' }, late: { lib: 'tinymce-6' } },
  graphiql: {
    early: { lib: 'graphiql-0', react: 'react-16', 'react-dom': 'react-dom-16' },
    late: { lib: 'graphiql-3', react: 'react-18', 'react-dom': 'react-dom-18' },
  },
};
const schema = buildSchema('type Query { "The spices that are sold." spices(origin: String): [Spice] } type Spice { name: String price: Float }');
const spices = () => [{ name: 'Ceylon cinnamon', price: 4.9 }];
const pages = (folders) => {
  const app = express().use(express.static(path.join(__dirname, 'pages'))).use(express.json());
  for (const [name, folder] of Object.entries(folders)) app.use(`/${name}`, express.static(path.join(__dirname, 'node_modules', folder)));
  return app.post('/graphql', async (request, response) => {
    const { query: source, variables: variableValues, operationName } = request.body;
    response.json(await graphql({ schema, source, variableValues, operationName, rootValue: { spices } }));
  });
};

// Each board has a queue of its own with the same jobs in it.
const queues = [];
const board = async (library) => {
  const name = 'orders', apart = `${prefix}-${library}`;
  const queue = new Queue(name, { connection, prefix: apart });
  queues.push(queue);
  const worker = new Worker(name, async (job) => {
    await job.log('packed');
    if (job.name === 'refund') throw new Error('the card was refused');
    return 'sent';
  }, { connection, prefix: apart });
  for (const job of ['invoice', 'parcel', 'refund']) {
    const ended = new Promise((done) => worker.once('completed', done).once('failed', done));
    await queue.add(job, { customer: 'Ada' }, { jobId: `${job}-1` });
    await ended;
    await new Promise((done) => setTimeout(done, 20)); // or they would end in the same millisecond, in any order
  }
  await worker.close();
  await queue.add('reminder', { customer: 'Ada' }, { jobId: 'reminder-1', delay: 3_600_000 });

  const from = createRequire(require.resolve(library));
  const { createBullBoard } = from('@bull-board/api');
  const { BullMQAdapter } = from('@bull-board/api/bullMQAdapter');
  const { ExpressAdapter } = require(library);
  const serverAdapter = new ExpressAdapter();
  createBullBoard({ queues: [new BullMQAdapter(queue)], serverAdapter });
  return from('express')().use('/', serverAdapter.getRouter());
};

(async () => {
  const urls = { early: {}, late: {} };
  for (const [application, versions] of Object.entries(shown)) {
    for (const [age, folders] of Object.entries(versions)) urls[age][application] = `${await listen(pages(folders))}/${application}.html`;
  }
  urls.early.board = await listen(await board('bull-board-3'));
  urls.late.board = await listen(await board('bull-board-9'));
  console.log(JSON.stringify(urls));
})();

process.stdin.resume().on('end', async () => {
  await Promise.all(queues.map((queue) => queue.obliterate({ force: true }).then(() => queue.close())));
  process.exit(0);
});
