// Bull Board over the queues of docker-compose.yml.
const { createBullBoard } = require('@bull-board/api');
const { BullMQAdapter } = require('@bull-board/api/bullMQAdapter');
const { ExpressAdapter } = require('@bull-board/express');
const { Queue } = require('bullmq');
const express = require('express');

const connection = { url: process.env.REDIS_URL };
const names = ['test-execution', 'cleanup', 'adaptation-learning'];
const adapter = new ExpressAdapter();
createBullBoard({ queues: names.map((name) => new BullMQAdapter(new Queue(name, { connection }))), serverAdapter: adapter });
express().use('/', adapter.getRouter()).listen(3000);
