-- Reads where a job is and all that is known of it, at one moment.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 completed  7 failed  8 waiting-children
--       9 the job's hash  10 its lock  11 epoch  12 position
-- ARGV  1 job id
-- Out   {place or '', score or '', lock's token or '', epoch or '', position or '', names and values of the hash}
-- Events  none

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5],
	completed = KEYS[6], failed = KEYS[7], ['waiting-children'] = KEYS[8],
}

-- include place

local place = whereIs(ARGV[1], redis.call('HGET', KEYS[9], 'cn:at') or nil)
local score = place == 'delayed' and string.format('%.0f', tonumber(redis.call('ZSCORE', keys.delayed, ARGV[1]))) or ''
return {
	place, score, redis.call('GET', KEYS[10]) or '', redis.call('GET', KEYS[11]) or '', redis.call('GET', KEYS[12]) or '',
	redis.call('HGETALL', KEYS[9]),
}
