-- Takes one job that waits, or whose delay is over, for an attempt; or says why not.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 completed  7 failed  8 waiting-children
--       9 events  10 meta  11 pc  12 marker  13 waiting  14 limiter  15 stalled
--       16 the job's hash  17 its lock  18 epoch  19 position
-- ARGV  1 job id  2 token of the lock  3 life of the lock in ms, 0 = for ever  4 now in ms  5 the worker's name
--       6 highest score that is due
-- Out   {what became of it, place, score or '', lock's token or '', epoch or '', position or '', names and values of the hash}
--       'taken'   it is active now, and the worker's
--       'ours'    it was active already under this token: an attempt before this one took it
--       'held'    the queue is paused, or as many jobs run, or were started, as are allowed
--       'other'   it is elsewhere: with another consumer, not due yet, or ended
--       'missing' there is no such job
-- Events  waiting, active

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5],
	completed = KEYS[6], failed = KEYS[7], ['waiting-children'] = KEYS[8], events = KEYS[9], meta = KEYS[10],
	pc = KEYS[11], marker = KEYS[12], waiting = KEYS[13],
}
local id, token, life, now, worker = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]

-- include queue
-- include waiting
-- include place

local function answer(verdict, place, score)
	return {
		verdict, place, score or '', redis.call('GET', KEYS[17]) or '', redis.call('GET', KEYS[18]) or '',
		redis.call('GET', KEYS[19]) or '', redis.call('HGETALL', KEYS[16]),
	}
end

local known = redis.call('EXISTS', KEYS[16]) == 1
local place = whereIs(id, known and redis.call('HGET', KEYS[16], 'cn:at') or nil)
if place == 'active' then
	return answer(redis.call('GET', KEYS[17]) == token and 'ours' or 'other', place)
end
if paused or (concurrency and redis.call('LLEN', keys.active) >= concurrency) then
	return answer('held', place)
end
local limit = redis.call('HMGET', keys.meta, 'max', 'duration')
local most, window = tonumber(limit[1] or ''), tonumber(limit[2] or '')
if most and window and tonumber(redis.call('GET', KEYS[14]) or '0') >= most and redis.call('PTTL', KEYS[14]) > 0 then
	return answer('held', place)
end
if not known then
	return answer('missing', place)
end
if place == 'completed' or place == 'failed' or place == 'waiting-children' then
	return answer('other', place)
end
if place == 'delayed' then
	local score = tonumber(redis.call('ZSCORE', keys.delayed, id))
	if score > tonumber(ARGV[6]) then
		return answer('other', place, whole(score))
	end
end

-- From here on it is taken.
gatherPaused()
if place == 'delayed' or place == 'prioritized' then
	redis.call('ZREM', keys[place], id)
elseif place ~= '' then
	redis.call('LREM', keys.wait, -1, id)
end
if place == 'delayed' then
	event('waiting', 'jobId', id, 'prev', 'delayed')
	redis.call('HSET', KEYS[16], 'delay', '0')
else
	redis.call('LREM', keys.waiting, -1, id)
end
redis.call('LPUSH', keys.active, id)
redis.call('SREM', KEYS[15], id)
if life > 0 then
	redis.call('SET', KEYS[17], token, 'PX', life)
else
	redis.call('SET', KEYS[17], token)
end
if most and window then
	if redis.call('INCR', KEYS[14]) == 1 then
		redis.call('PEXPIRE', KEYS[14], window)
	end
end
event('active', 'jobId', id, 'prev', 'waiting')
redis.call('HSET', KEYS[16], 'processedOn', now, 'pb', worker, 'cn:at', 'active')
redis.call('HINCRBY', KEYS[16], 'ats', 1)
redis.call('ZADD', keys.marker, 0, '0')
return answer('taken', 'active')
