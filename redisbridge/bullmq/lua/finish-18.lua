-- Ends a job that a worker holds, well or badly, and takes the worker's next one.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 events  7 meta  8 pc  9 marker  10 limiter
--       11 stalled  12 id  13 the set of jobs that ended the same way  14 its totals  15 its minutes
--       16 the job's hash  17 its lock  18 its dependencies
-- ARGV  1 to 8 as include/claim.lua says
--       9 job id  10 token of its lock  11 completed or failed  12 returnvalue or failedReason
--       13 how many of the newest finished jobs stay, -1 = all  14 for how many ms, 0 = for ever
--       15 how many finished jobs to delete at most  16 attempts that the job may make
--       17 minutes of metrics to keep, 0 = no metrics  18 stack traces as JSON or ''
--       19 id of the parent job or ''  20 what its queue's keys begin with  21 what a failure means to it
-- Out   {done, missing, unlocked, stolen, inactive or pending; then as claim's}
-- Events  added, waiting, delayed, completed, failed, retries-exhausted, active, drained

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5],
	events = KEYS[6], meta = KEYS[7], pc = KEYS[8], marker = KEYS[9], limiter = KEYS[10],
	stalled = KEYS[11], id = KEYS[12], ended = KEYS[13], totals = KEYS[14], minutes = KEYS[15],
	job = KEYS[16], lock = KEYS[17], dependencies = KEYS[18],
}
local base, now = ARGV[1], ARGV[2]
local id, token, how, value = ARGV[9], ARGV[10], ARGV[11], ARGV[12]
local newest, age, most = tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15])
local attempts, points, stacks = tonumber(ARGV[16]), tonumber(ARGV[17]), ARGV[18]

-- include queue
-- include waiting
-- include line
-- include claim
-- include held
-- include followup
-- include retention
-- include metrics
-- include parent

local function size(command, key)
	local n = redis.pcall(command, key)
	return type(n) == 'number' and n or 0
end

local lost = loss()
if lost and again then
	-- Did the earlier call end it? A job that doesn't stay leaves nothing to see.
	if newest == 0 and lost == 'missing' or redis.call('HGET', keys.job, 'finishedOn') == now then
		lost = 'done'
	end
	return { lost, unpack(claim()) }
end
if not lost and how == 'completed'
	and size('SCARD', keys.dependencies) + size('ZCARD', base .. id .. ':unsuccessful') > 0 then
	lost = 'pending'
end
if not lost and not leaveActive() then
	lost = 'inactive'
end
if lost then
	return { lost, 'none', '', {}, '', {} }
end

releaseDeduplication(id)
if ARGV[19] ~= '' then
	tellParent(ARGV[20], ARGV[19], ARGV[21], how, value)
end
local made = count(id, 'atm')
local field = how == 'completed' and 'returnvalue' or 'failedReason'
if newest == 0 then
	deleteJob(id)
else
	redis.call('ZADD', keys.ended, now, id)
	redis.call('HSET', keys.job, field, value, 'finishedOn', now)
	if stacks ~= '' then
		redis.call('HSET', keys.job, 'stacktrace', stacks)
	end
	if how == 'failed' then
		redis.call('HDEL', keys.job, 'defa')
	end
	retain(keys.ended, newest, age, most)
end
event(how, 'jobId', id, field, value, 'prev', 'active')
if how == 'failed' and made >= attempts then
	event('retries-exhausted', 'jobId', id, 'attemptsMade', whole(made))
end
if points > 0 then
	measure(keys.totals, keys.minutes, points)
end

local follow = claim()
if (follow[1] == 'empty' or follow[1] == 'none')
	and redis.call('LLEN', keys.wait) == 0 and redis.call('LLEN', keys.active) == 0
	and redis.call('ZCARD', keys.prioritized) == 0 then
	event('drained')
end
return { 'done', unpack(follow) }
