-- Makes or changes a scheduler and adds its next job in place of the one that was armed before, as a client does.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 events  7 meta  8 id  9 pc  10 marker
--       11 the schedulers  12 the scheduler's hash
-- ARGV  1 what the queue's keys begin with  2 scheduler's id  3 slot in ms that it is armed for, '' = none
--       4 slot in ms of the next job  5 the job's name  6 its data as JSON  7 its options as JSON  8 timestamp in ms
--       9 delay in ms  10 priority  11 '1' = to the front of those that wait  12 deduplication id or ''
--       13 n, the number of the scheduler's fields; then n names and values; then the names of those that it has not
-- Out   1 done, -7 it is armed for another slot, -8 there is a job for the slot that must stay
-- Events  added, waiting, delayed

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5],
	events = KEYS[6], meta = KEYS[7], id = KEYS[8], pc = KEYS[9], marker = KEYS[10], repeats = KEYS[11],
	scheduler = KEYS[12],
}
local base, scheduler, slot = ARGV[1], ARGV[2], ARGV[4]
local at = 13

-- include queue
-- include waiting
-- include line
-- include enter
-- include arm

local armed = redis.call('ZSCORE', keys.repeats, scheduler)
if (armed and whole(tonumber(armed)) or '') ~= ARGV[3] then
	return -7
end
local id = 'repeat:' .. scheduler .. ':' .. slot
local before = armed and 'repeat:' .. scheduler .. ':' .. ARGV[3]
local waits = before and (redis.call('ZSCORE', keys.delayed, before) or redis.call('ZSCORE', keys.prioritized, before)
	or redis.call('LPOS', keys.wait, before))
if redis.call('EXISTS', base .. id) == 1 and not (waits and before == id) then
	return -8
end

if waits then
	redis.call('ZREM', keys.delayed, before)
	redis.call('ZREM', keys.prioritized, before)
	redis.call('LREM', keys.wait, 0, before)
	redis.call('DEL', base .. before, base .. before .. ':logs')
end
local fields = {}
for i = 1, 2 * tonumber(ARGV[at]) do
	fields[i] = ARGV[at + i]
end
redis.call('HSET', keys.scheduler, unpack(fields))
redis.call('HSETNX', keys.scheduler, 'ic', '1')
at = at + #fields
if ARGV[at + 1] then
	redis.call('HDEL', keys.scheduler, unpack(ARGV, at + 1))
end
arm(id)
return 1
