-- Lets delayed jobs run at once, those first that are due first, as a client does: all without regard to their priority.
--
-- KEYS  1 wait  2 paused  3 active  4 delayed  5 events  6 meta  7 marker
-- ARGV  1 what the queue's keys begin with  2 how many at most
-- Out   how many left the delayed ones
-- Events  waiting

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], delayed = KEYS[4], events = KEYS[5], meta = KEYS[6],
	marker = KEYS[7],
}

-- include queue
-- include waiting
-- include line

local ids = redis.call('ZRANGE', keys.delayed, 0, tonumber(ARGV[2]) - 1)
for _, id in ipairs(ids) do
	redis.call('ZREM', keys.delayed, id)
	if redis.call('EXISTS', ARGV[1] .. id) == 1 then
		redis.call('LPUSH', keys.wait, id)
		event('waiting', 'jobId', id, 'prev', 'delayed')
	end
end
if #ids > 0 then
	wakeWorkers()
end
return #ids
