// What BullMQ's clients expect of whoever takes the jobs of their queue, checked with an unmodified client.
//
// Usage: node acceptance.cjs <node_modules> <package> <redis url> <prefix> <queue>
// Something must take the jobs of that queue, one at a time, as example/consumer does: it does what a job's data says
// (do: ok, fail, progress, sleep). Writes one line per check, then how many passed; fails unless all did.
'use strict';
const assert = require('node:assert/strict');
const path = require('node:path');

const [modules, name, url, prefix, queueName] = process.argv.slice(2);
const { Queue, QueueEvents } = require(path.join(modules, name));
const Redis = require(path.join(modules, 'ioredis'));
const { hostname: host, port, username, password } = new URL(url);
const connection = { host, port: Number(port), username, password };
const patience = 20000;

const redis = new Redis({ ...connection, maxRetriesPerRequest: null });
const queue = new Queue(queueName, {
  connection, prefix,
  defaultJobOptions: { attempts: 3, backoff: { type: 'exponential', delay: 40 }, removeOnComplete: 100, removeOnFail: 50 },
});
queue.setMaxListeners(100);
const listener = new QueueEvents(queueName, { connection, prefix, lastEventId: '0-0' });

// The story of each job, as listeners hear it.
const stories = new Map();
const story = id => stories.get(id) || stories.set(id, []).get(id);
let drained = 0;
let poisoned = null;
const curious = [];
const heard = () => curious.splice(0).forEach(look => look());
for (const event of ['added', 'waiting', 'active', 'progress', 'delayed', 'completed', 'failed', 'retries-exhausted', 'removed', 'stalled']) {
  listener.on(event, args => { story(args.jobId).push({ event, ...args }); heard(); });
}
listener.on('drained', () => { drained++; heard(); });
listener.on('error', error => { poisoned = error; });

// settled waits until a condition holds: it is looked at again whenever listeners hear something, and now and then.
async function settled(what, holds) {
  const end = Date.now() + patience;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error('in vain: ' + what);
    await new Promise(resolve => { curious.push(resolve); setTimeout(resolve, 30); });
  }
}
const events = (id, from = 0) => story(id).slice(from).map(({ event }) => event);
const told = (id, event, times = 1) => settled(`${event} of job ${id}`, () => events(id).filter(e => e === event).length >= times);
const key = suffix => `${prefix}:${queueName}:${suffix}`;
const add = (data, options) => queue.add('execute-test', data, options);
const result = job => job.waitUntilFinished(listener, patience);
const reason = job => result(job).then(() => { throw new Error('it did not fail'); }, error => error.message);

let passed = 0;
const broken = [];
async function check(what, holds) {
  try {
    await holds();
    passed++;
    console.log('ok    ' + what);
  } catch (error) {
    broken.push(what);
    console.log('WRONG ' + what + ': ' + error.message);
  }
}
const same = (what, actual, expected) => check(what, async () => assert.deepEqual(await actual(), expected));
const isTrue = (what, holds) => check(what, async () => assert.ok(await holds()));

const chapters = {
  async 'a job that succeeds'() {
    const job = await add({ do: 'ok', result: { status: 'completed', steps: [1, 'ü'] } });
    await same('its result arrives', () => result(job), { status: 'completed', steps: [1, 'ü'] });
    await told(job.id, 'completed');
    await same('its story is in order', () => events(job.id), ['added', 'waiting', 'active', 'completed']);
    const read = await queue.getJob(job.id);
    await same('it made one attempt', () => [read.attemptsMade, read.attemptsStarted], [1, 1]);
    await isTrue('its times are in order', () => read.timestamp <= read.processedOn && read.processedOn <= read.finishedOn);
    await same('it is completed', () => read.getState(), 'completed');
    await same('its result is kept', () => read.returnvalue, { status: 'completed', steps: [1, 'ü'] });
    await same('no result is null', async () => result(await add({ do: 'ok' })), null);
  },

  async 'progress and logs'() {
    const steps = [25, { percentage: 75, message: 'größer' }, 'done'];
    const job = await add({ do: 'progress', steps, result: 1 });
    await same('the job ends', () => result(job), 1);
    await told(job.id, 'completed');
    await same('listeners hear each progress', () => story(job.id).filter(e => e.event === 'progress').map(e => e.data), steps);
    await same('the newest progress is kept', async () => (await queue.getJob(job.id)).progress, 'done');
    const { logs, count } = await queue.getJobLogs(job.id);
    await same('each step is logged', () => [count, logs[0]], [3, 'step 25']);
  },

  async 'attempts that fail'() {
    const job = await add({ do: 'fail', times: 2, msg: 'not yet', result: 'at last' });
    await same('the third attempt succeeds', () => result(job), 'at last');
    await told(job.id, 'completed');
    await same('each failure backs off', () => events(job.id), [
      'added', 'waiting', 'active', 'delayed', 'waiting', 'active', 'delayed', 'waiting', 'active', 'completed',
    ]);
    const read = await queue.getJob(job.id);
    await same('attempts are counted', () => [read.attemptsMade, read.attemptsStarted], [3, 3]);
    await same('the failures are remembered', () => [read.failedReason, read.stacktrace.length], ['not yet', 2]);
  },

  async 'a job that fails for good'() {
    const job = await add({ do: 'fail', times: 99, msg: 'hopeless' }, { attempts: 2, backoff: 15 });
    await same('the reason arrives', () => reason(job), 'hopeless');
    await told(job.id, 'retries-exhausted');
    await same('it is failed', () => job.getState(), 'failed');
    await same('that no attempt is left is told last', () => events(job.id).slice(-2), ['failed', 'retries-exhausted']);
    const before = story(job.id).length;
    await (await queue.getJob(job.id)).retry();
    await told(job.id, 'retries-exhausted', 2);
    await same('a retry is one more attempt', () => events(job.id, before), ['waiting', 'active', 'failed', 'retries-exhausted']);
    await same('a retry counts on', async () => (await queue.getJob(job.id)).attemptsMade, 3);
  },

  async 'a pause, and priorities'() {
    await queue.pause();
    await isTrue('the queue says that it is paused', () => queue.isPaused());
    const jobs = [];
    for (const priority of [30, 9, 0, 2]) jobs.push(await add({ do: 'ok', result: priority }, priority ? { priority } : {}));
    const probe = await add({ do: 'ok' }, { delay: 1 });
    await told(probe.id, 'waiting'); // whoever takes jobs has looked at the queue meanwhile
    const counts = await queue.getJobCounts();
    await same('jobs wait', () => [(counts.waiting || 0) + (counts.paused || 0), counts.prioritized, counts.active], [2, 3, 0]);
    await same('the most urgent is listed first', async () => (await queue.getPrioritized()).map(({ id }) => id), [3, 1, 0].map(i => jobs[i].id));
    await same('nobody starts one', () => jobs.flatMap(({ id }) => events(id)).filter(e => e === 'active'), []);
    await queue.resume();
    for (const job of [...jobs, probe]) await told(job.id, 'completed');
    const started = [...stories].flatMap(([id, entries]) => entries.filter(e => e.event === 'active').map(() => id));
    const finished = await Promise.all(jobs.map(async ({ id }) => [(await queue.getJob(id)).processedOn, id]));
    await isTrue('all ran', () => jobs.every(({ id }) => started.includes(id)));
    await isTrue('none before one that is more urgent', () => {
      const [last, middle, first, second] = finished.map(([at]) => at);
      return first <= second && second <= middle && middle <= last;
    });
  },

  async 'jobs that wait for their time'() {
    const added = Date.now();
    const job = await add({ do: 'ok', result: 'late' }, { delay: 250 });
    await same('it is delayed', () => job.getState(), 'delayed');
    await same('it runs', () => result(job), 'late');
    await isTrue('not before its time', () => Date.now() - added >= 245);
    await told(job.id, 'completed');
    await same('listeners hear that it is delayed', () => events(job.id).slice(0, 2), ['added', 'delayed']);
    await same('its delay is over', async () => (await queue.getJob(job.id)).delay, 0);
    const hurried = await add({ do: 'ok', result: 'now' }, { delay: 3600000 });
    await hurried.promote();
    await same('a promoted one runs at once', () => result(hurried), 'now');
    const unwanted = await add({ do: 'ok' }, { delay: 3600000 });
    await unwanted.remove();
    await told(unwanted.id, 'removed');
    await same('a removed one ends with that', () => events(unwanted.id), ['added', 'delayed', 'removed']);
    await same('other jobs run on', async () => result(await add({ do: 'ok', result: 5 })), 5);
    await same('a removed one does not come back', () => redis.exists(key(unwanted.id)), 0);
  },

  async 'a job that runs'() {
    const job = await add({ do: 'sleep', ms: 700, result: 'awake' }, { jobId: 'own-id-' + process.pid });
    await told(job.id, 'active');
    await same('it is active', () => job.getState(), 'active');
    await same('it is locked', () => redis.exists(key(job.id + ':lock')), 1);
    await same('it can not be removed', () => queue.remove(job.id), 0);
    await same('its id is taken', async () => (await add({ do: 'ok' }, { jobId: job.id })).id, job.id);
    await same('it ends', () => result(job), 'awake');
    await same('its lock is gone', () => redis.exists(key(job.id + ':lock')), 0);
  },

  async 'jobs that do not stay'() {
    // Not at once: a client that asks for the result of a job that is gone already is told that there is no such job.
    const job = await add({ do: 'ok', result: 'fleeting' }, { removeOnComplete: true, delay: 200 });
    await same('the result arrives', () => result(job), 'fleeting');
    await same('nothing is left of it', async () => (await redis.keys(key(job.id + '*'))).length, 0);
  },

  async 'changes that no event tells'() {
    await queue.pause();
    const edited = await add({ do: 'ok', result: 'first draft' });
    await edited.updateData({ do: 'ok', result: 'final' });
    const raised = await add({ do: 'ok', result: 'raised' }, { priority: 8 });
    await raised.changePriority({ priority: 3 });
    await queue.resume();
    await same('new data counts', () => result(edited), 'final');
    await same('a job of another priority runs', () => result(raised), 'raised');
    await same('the new priority is kept', async () => Number(await redis.hget(key(raised.id), 'priority')), 3);
    await queue.pause();
    const drained = await add({ do: 'ok' });
    await queue.drain(true);
    await queue.resume();
    await same('later jobs run', async () => result(await add({ do: 'ok', result: 1 })), 1);
    await same('a drained job never does', () => events(drained.id).includes('active'), false);
    await same('a drained job stays away', () => redis.exists(key(drained.id)), 0);
  },

  async 'many jobs, and none'() {
    const jobs = await queue.addBulk([...Array(20).keys()].map(n => ({ name: 'execute-test', data: { do: 'ok', result: n } })));
    await same('all run', async () => Promise.all(jobs.map(result)), [...Array(20).keys()]);
    for (const { id } of jobs) await told(id, 'completed');
    await isTrue('the worker is listed', async () => (await queue.getWorkers()).length > 0);
    await queue.clean(0, 1000, 'completed');
    await settled('the queue is empty', async () => (await queue.getJobCountByTypes('active', 'waiting', 'prioritized', 'delayed')) === 0);
    await same('what was cleaned is gone', () => queue.getJobCountByTypes('completed'), 0);
    await isTrue('listeners hear that nothing is left', async () => { await settled('drained', () => drained > 0); return true; });
    await same('listeners were never disturbed', () => poisoned, null);
  },
};

(async () => {
  await Promise.all([queue.waitUntilReady(), listener.waitUntilReady()]);
  for (const [title, tell] of Object.entries(chapters)) {
    console.log('# ' + title);
    try {
      await tell();
    } catch (error) {
      broken.push(title);
      console.log(`WRONG ${title}: ${error.stack}`);
    }
  }
  console.log(`${passed} of ${passed + broken.length} checks passed with ${name}`);
  await Promise.all([queue.close(), listener.close(), redis.quit()]);
  process.exit(broken.length ? 1 : 0);
})();
