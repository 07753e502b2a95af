-- Lets finished jobs run again, those first that ended first, as a client does: all without regard to their priority.
--
-- KEYS  1 wait  2 paused  3 active  4 events  5 meta  6 marker  7 completed or failed
-- ARGV  1 what the queue's keys begin with  2 completed or failed  3 how many at most  4 how many to pass over
--       5 in ms, the newest end of a job that counts
-- Out   {how many wait again, how many children of flows were left where they are}
-- Events  waiting

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], events = KEYS[4], meta = KEYS[5], marker = KEYS[6],
	ended = KEYS[7],
}
local base, state = ARGV[1], ARGV[2]

-- include queue
-- include waiting
-- include line

local moved, left = 0, 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', keys.ended, '-inf', ARGV[5], 'LIMIT', ARGV[4], ARGV[3])) do
	local key = base .. id
	local parent = redis.call('HGET', key, 'parentKey')
	if parent and redis.call('EXISTS', parent) == 1 then
		left = left + 1
	else
		redis.call('ZREM', keys.ended, id)
		if redis.call('EXISTS', key) == 1 then
			redis.call('HDEL', key, 'finishedOn', 'processedOn', state == 'failed' and 'failedReason' or 'returnvalue')
			redis.call('LPUSH', keys.wait, id)
			event('waiting', 'jobId', id, 'prev', state)
		end
		moved = moved + 1
	end
end
if moved > 0 then
	wakeWorkers()
end
return { moved, left }
