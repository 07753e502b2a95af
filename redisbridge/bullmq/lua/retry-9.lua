-- Lets a finished job run again, as a client of major 6 does.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 events  6 meta  7 pc  8 marker  9 completed or failed
-- ARGV  1 what the queue's keys begin with  2 job id  3 completed or failed  4 '1' = to the front of those that wait
--       5 '1' = forget the attempts made  6 '1' = forget the attempts started
-- Out   1 it waits, -1 there is no such job, -2 it is not in that state, -5 it is a flow's child
-- Events  waiting

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], events = KEYS[5], meta = KEYS[6],
	pc = KEYS[7], marker = KEYS[8], ended = KEYS[9],
}
local base, id, state = ARGV[1], ARGV[2], ARGV[3]
local key = base .. id

-- include queue
-- include waiting
-- include line
-- include enter

local hash = redis.call('HMGET', key, 'priority', 'parentKey', 'name')
if not hash[3] then
	return -1
elseif not redis.call('ZSCORE', keys.ended, id) then
	return -2
elseif hash[2] and redis.call('EXISTS', hash[2]) == 1 then
	return -5
end
redis.call('ZREM', keys.ended, id)
redis.call('HDEL', key, 'finishedOn', 'processedOn', state == 'failed' and 'failedReason' or 'returnvalue')
if ARGV[5] == '1' then
	redis.call('HDEL', key, 'atm')
end
if ARGV[6] == '1' then
	redis.call('HDEL', key, 'ats')
end
local priority = tonumber(hash[1] or '') or 0
lineUp(id, priority, priority == 0 and ARGV[4] == '1')
event('waiting', 'jobId', id, 'prev', state)
return 1
