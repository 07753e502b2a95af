-- Changes when a delayed job is due, as a client does.
--
-- KEYS  1 delayed  2 events  3 meta  4 marker
-- ARGV  1 what the queue's keys begin with  2 job id  3 delay in ms  4 due time in ms
-- Out   1 changed, -1 there is no such job, -2 it is not delayed
-- Events  delayed

local keys = { delayed = KEYS[1], events = KEYS[2], meta = KEYS[3], marker = KEYS[4] }
local key, id = ARGV[1] .. ARGV[2], ARGV[2]

-- include queue
-- include waiting
-- include enter

if redis.call('EXISTS', key) == 0 then
	return -1
elseif redis.call('ZREM', keys.delayed, id) == 0 then
	return -2
end
redis.call('HSET', key, 'delay', ARGV[3])
delayUntil(id, tonumber(ARGV[4]))
return 1
