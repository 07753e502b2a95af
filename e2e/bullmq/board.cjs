// A Bull Board page, as others run it, made of nothing but the real libraries.
//
// Usage: node board.cjs CLIENT REDIS_URL QUEUE…. Writes {"url": …} when it listens, and ends with its standard input.
'use strict';

const Module = require('node:module');

const [client, address, ...names] = process.argv.slice(2);

// The board requires "bullmq", which is here under the names of its versions.
const resolve = Module._resolveFilename;
Module._resolveFilename = (request, ...rest) => resolve(request === 'bullmq' ? client : request, ...rest);

const { createBullBoard } = require('@bull-board/api');
const { BullMQAdapter } = require('@bull-board/api/bullMQAdapter');
const { ExpressAdapter } = require('@bull-board/express');
const express = require('express');

const { Queue } = require(client);

const url = new URL(address);
const connection = {
  host: url.hostname,
  port: Number(url.port),
  username: url.username || undefined,
  password: decodeURIComponent(url.password) || undefined,
  db: Number(url.pathname.slice(1) || 0),
  maxRetriesPerRequest: null,
};
const queues = names.map((name) => new Queue(name, { connection }));

// validateResponses makes the board itself a judge: an answer that is not of the shape which its page expects is an error 500.
const serverAdapter = new ExpressAdapter();
createBullBoard({
  queues: queues.map((queue) => new BullMQAdapter(queue)),
  serverAdapter,
  options: { validateResponses: true, uiConfig: { showMetrics: true, pollingInterval: { forceInterval: 1 } } },
});
const server = express().use('/', serverAdapter.getRouter()).listen(0, '127.0.0.1', () => {
  console.log(JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` }));
});

process.stdin.resume().on('end', async () => {
  server.closeAllConnections();
  await Promise.all(queues.map((queue) => queue.close()));
  process.exit(0);
});
