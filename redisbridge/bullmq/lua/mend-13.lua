-- Puts a job that is in no collection back among those that wait: a client of major 5 that resumes a paused queue overwrites
-- what a client of major 6 kept in wait.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 completed  7 failed  8 waiting-children
--       9 meta  10 pc  11 marker  12 waiting  13 the job's hash
-- ARGV  1 job id
-- Out   1 it waits again, 0 it is somewhere, or there is no such job
-- Events  none

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5],
	completed = KEYS[6], failed = KEYS[7], ['waiting-children'] = KEYS[8], meta = KEYS[9], pc = KEYS[10],
	marker = KEYS[11], waiting = KEYS[12],
}

-- include queue
-- include waiting
-- include place

if redis.call('EXISTS', KEYS[13]) == 0 or whereIs(ARGV[1], nil) ~= '' then
	return 0
end
-- include line
redis.call('LREM', keys.waiting, 0, ARGV[1])
local place = enqueue(ARGV[1], tonumber(redis.call('HGET', KEYS[13], 'priority') or '') or 0, false)
redis.call('HSET', KEYS[13], 'cn:at', place)
return 1
