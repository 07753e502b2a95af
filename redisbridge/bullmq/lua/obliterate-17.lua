-- Deletes a paused queue, so many jobs at a time.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 completed  7 failed  8 waiting-children  9 events
--       10 meta  11 id  12 pc  13 marker  14 stalled  15 the schedulers  16 the metrics  17 stalled-check
-- ARGV  1 what the queue's keys begin with  2 how many jobs at most  3 '1' = though some are active
-- Out   0 all is gone, 1 there is more, -2 the queue is not paused, -6 jobs are active
-- Events  none

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5], completed = KEYS[6],
	failed = KEYS[7], ['waiting-children'] = KEYS[8], events = KEYS[9], meta = KEYS[10], id = KEYS[11], pc = KEYS[12],
	marker = KEYS[13], stalled = KEYS[14], repeats = KEYS[15], metrics = KEYS[16], check = KEYS[17],
}
local base, left = ARGV[1], tonumber(ARGV[2])

-- include queue
-- include parent
-- include erase

if not paused then
	return -2
elseif ARGV[3] ~= '1' and redis.call('LLEN', keys.active) > 0 then
	return -6
end
for _, place in ipairs({ 'active', 'delayed', 'wait', 'paused', 'prioritized', 'waiting-children', 'completed', 'failed' }) do
	local key = keys[place]
	local isList = place == 'active' or place == 'wait' or place == 'paused'
	while left > 0 do
		local some = math.min(left, 100)
		local ids = redis.call(isList and 'LRANGE' or 'ZRANGE', key, 0, some - 1)
		if #ids == 0 then
			break
		end
		for _, id in ipairs(ids) do
			erase(id)
		end
		if isList then
			redis.call('LTRIM', key, #ids, -1)
		else
			redis.call('ZREMRANGEBYRANK', key, 0, #ids - 1)
		end
		left = left - #ids
	end
	if left <= 0 then
		return 1
	end
end
for _, scheduler in ipairs(redis.call('ZRANGE', keys.repeats, 0, -1)) do
	redis.call('DEL', base .. 'repeat:' .. scheduler)
end
redis.call('DEL', keys.events, keys.meta, keys.id, keys.pc, keys.marker, keys.stalled, keys.repeats, keys.check,
	keys.metrics .. ':completed', keys.metrics .. ':failed', keys.metrics .. ':completed:data',
	keys.metrics .. ':failed:data')
return 0
