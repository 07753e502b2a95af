-- Pauses the queue: as a client of major 6 does, which leaves jobs where they wait, or, if the client that came last was
-- of major 5, as that does, which puts them aside.
--
-- KEYS  1 wait  2 paused  3 events  4 meta  5 marker
-- ARGV  none
-- Out   1
-- Events  paused

local keys = { wait = KEYS[1], paused = KEYS[2], events = KEYS[3], meta = KEYS[4], marker = KEYS[5] }

-- include queue
-- include waiting

local major = string.match(redis.call('HGET', keys.meta, 'version') or '', '^bullmq:(%d+)')
if not major or tonumber(major) >= 6 then
	gatherPaused()
elseif redis.call('EXISTS', keys.wait) == 1 then
	if redis.call('EXISTS', keys.paused) == 0 then
		redis.call('RENAME', keys.wait, keys.paused)
	end
	for _ = 1, redis.call('LLEN', keys.wait) do
		redis.call('LMOVE', keys.wait, keys.paused, 'RIGHT', 'LEFT')
	end
end
redis.call('HSET', keys.meta, 'paused', '1')
redis.call('DEL', keys.marker)
event('paused')
return 1
