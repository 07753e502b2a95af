-- Deletes a scheduler, and its next job if that is still delayed, as a client does.
--
-- KEYS  1 delayed  2 events  3 meta  4 the schedulers  5 the scheduler's hash
-- ARGV  1 what the queue's keys begin with  2 scheduler's id
-- Out   1 deleted, -1 there is no such scheduler
-- Events  removed

local keys = {
	delayed = KEYS[1], events = KEYS[2], meta = KEYS[3], repeats = KEYS[4], scheduler = KEYS[5],
}

-- include queue

local slot = redis.call('ZSCORE', keys.repeats, ARGV[2])
if not slot then
	return -1
end
local id = 'repeat:' .. ARGV[2] .. ':' .. whole(tonumber(slot))
redis.call('ZREM', keys.repeats, ARGV[2])
redis.call('DEL', keys.scheduler)
if redis.call('ZREM', keys.delayed, id) == 1 then
	redis.call('DEL', ARGV[1] .. id, ARGV[1] .. id .. ':logs')
	event('removed', 'jobId', id, 'prev', 'delayed')
end
return 1
