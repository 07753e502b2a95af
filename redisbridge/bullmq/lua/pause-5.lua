-- Pauses the queue, as a client of major 6 does: jobs stay where they wait.
--
-- KEYS  1 wait  2 paused  3 events  4 meta  5 marker
-- ARGV  none
-- Out   1
-- Events  paused

local keys = { wait = KEYS[1], paused = KEYS[2], events = KEYS[3], meta = KEYS[4], marker = KEYS[5] }

-- include queue
-- include waiting

gatherPaused()
redis.call('HSET', keys.meta, 'paused', '1')
redis.call('DEL', keys.marker)
event('paused')
return 1
