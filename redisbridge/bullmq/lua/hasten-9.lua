-- Lets a delayed job run at once, as a client does.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 events  7 meta  8 pc  9 marker
-- ARGV  1 what the queue's keys begin with  2 job id
-- Out   1 it waits, -1 there is no such job, -2 it is not delayed
-- Events  waiting

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5], events = KEYS[6],
	meta = KEYS[7], pc = KEYS[8], marker = KEYS[9],
}
local key, id = ARGV[1] .. ARGV[2], ARGV[2]

-- include queue
-- include waiting
-- include line
-- include enter

if redis.call('EXISTS', key) == 0 then
	return -1
elseif not redis.call('ZSCORE', keys.delayed, id) then
	return -2
end
redis.call('ZREM', keys.delayed, id)
lineUp(id, tonumber(redis.call('HGET', key, 'priority') or '') or 0, false)
redis.call('HSET', key, 'delay', '0')
event('waiting', 'jobId', id, 'prev', 'delayed')
return 1
