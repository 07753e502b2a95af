-- Changes a job's priority, as a client does, and moves the job if it waits.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 meta  6 pc  7 marker
-- ARGV  1 what the queue's keys begin with  2 job id  3 priority  4 '1' = before its equals
-- Out   1 changed, -1 there is no such job
-- Events  none

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], meta = KEYS[5], pc = KEYS[6],
	marker = KEYS[7],
}
local key, id = ARGV[1] .. ARGV[2], ARGV[2]

-- include queue
-- include waiting
-- include line
-- include enter

if redis.call('EXISTS', key) == 0 then
	return -1
end
if redis.call('ZREM', keys.prioritized, id) == 1 or redis.call('LREM', keys.wait, 0, id) > 0 then
	lineUp(id, tonumber(ARGV[3]), ARGV[4] == '1')
end
redis.call('HSET', key, 'priority', ARGV[3])
return 1
