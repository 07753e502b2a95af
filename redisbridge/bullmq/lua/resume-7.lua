-- Resumes the queue, as a client of major 6 does. What a client of major 5 put aside meanwhile runs first.
--
-- KEYS  1 wait  2 paused  3 prioritized  4 delayed  5 events  6 meta  7 marker
-- ARGV  none
-- Out   1
-- Events  resumed

local keys = {
	wait = KEYS[1], paused = KEYS[2], prioritized = KEYS[3], delayed = KEYS[4], events = KEYS[5], meta = KEYS[6],
	marker = KEYS[7],
}

-- include queue

redis.call('HDEL', keys.meta, 'paused')
local aside, waiting = redis.call('LLEN', keys.paused), redis.call('LLEN', keys.wait)
if aside > 0 and waiting <= aside then
	for _ = 1, waiting do
		redis.call('LMOVE', keys.wait, keys.paused, 'RIGHT', 'LEFT')
	end
	redis.call('RENAME', keys.paused, keys.wait)
else
	for _ = 1, aside do
		redis.call('LMOVE', keys.paused, keys.wait, 'LEFT', 'RIGHT')
	end
end
if aside + waiting > 0 or redis.call('ZCARD', keys.prioritized) > 0 then
	redis.call('ZADD', keys.marker, 0, '0')
else
	local first = redis.call('ZRANGE', keys.delayed, 0, 0, 'WITHSCORES')
	if first[2] then
		redis.call('ZADD', keys.marker, string.format('%.17g', tonumber(first[2]) / 4096), '1')
	end
end
event('resumed')
return 1
