-- Adds a scheduler's next job, when the one before it has begun.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 events  7 meta  8 id  9 pc  10 marker
--       11 the schedulers  12 the scheduler's hash
-- ARGV  1 what the queue's keys begin with  2 scheduler's id  3 slot in ms of the job that has begun
--       4 slot in ms of the next job  5 the job's name  6 its data as JSON  7 its options as JSON  8 timestamp in ms
--       9 delay in ms  10 priority  11 '1' = to the front of those that wait  12 deduplication id or ''
-- Out   1 added, 0 there is such a job already, -7 the scheduler is armed for another slot, or gone
-- Events  added, waiting, delayed, duplicated

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5],
	events = KEYS[6], meta = KEYS[7], id = KEYS[8], pc = KEYS[9], marker = KEYS[10], repeats = KEYS[11],
	scheduler = KEYS[12],
}
local base, scheduler, slot = ARGV[1], ARGV[2], ARGV[4]

-- include queue
-- include waiting
-- include line
-- include enter
-- include arm

local armed = redis.call('ZSCORE', keys.repeats, scheduler)
if not armed or whole(tonumber(armed)) ~= ARGV[3] then
	return -7
end
local id = 'repeat:' .. scheduler .. ':' .. slot
if redis.call('EXISTS', base .. id) == 1 then
	event('duplicated', 'jobId', id)
	return 0
end
redis.call('HINCRBY', keys.scheduler, 'ic', 1)
arm(id)
return 1
