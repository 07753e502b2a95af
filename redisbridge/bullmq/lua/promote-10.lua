-- Moves delayed jobs whose time has come to where they wait, and gathers what clients of major 5 put aside.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 events  7 meta  8 pc  9 marker  10 waiting
-- ARGV  1 what the queue's keys begin with  2 highest score that is due  3 how many to move at most
-- Out   {jobs moved, due time in ms of the next one or ''}
-- Events  waiting

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5],
	events = KEYS[6], meta = KEYS[7], pc = KEYS[8], marker = KEYS[9], waiting = KEYS[10],
}
local base = ARGV[1]

-- include queue
-- include waiting

gatherPaused()
local promoted = 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', keys.delayed, '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])) do
	redis.call('ZREM', keys.delayed, id)
	-- An id without a hash is nothing that could run.
	if redis.call('EXISTS', base .. id) == 1 then
		local priority = tonumber(redis.call('HGET', base .. id, 'priority') or '') or 0
		local place = enqueue(id, priority, false)
		event('waiting', 'jobId', id, 'prev', 'delayed')
		redis.call('HSET', base .. id, 'delay', '0', 'cn:at', place)
		promoted = promoted + 1
	end
end
local first = redis.call('ZRANGE', keys.delayed, 0, 0, 'WITHSCORES')
return { promoted, first[2] and whole(math.floor(tonumber(first[2]) / 4096)) or '' }
