-- How a scheduler's next job is added. Needs queue.lua, waiting.lua and enter.lua, base, scheduler and slot, and of the
-- including command these arguments in their places:
--
-- ARGV  5 the job's name  6 its data as JSON  7 its options as JSON  8 timestamp in ms  9 delay in ms  10 priority
--       11 '1' = to the front of those that wait  12 deduplication id or ''

local function arm(job)
	redis.call('INCR', keys.id)
	redis.call('ZADD', keys.repeats, slot, scheduler)
	redis.call('HSET', base .. job, 'name', ARGV[5], 'data', ARGV[6], 'opts', ARGV[7], 'timestamp', ARGV[8],
		'delay', ARGV[9], 'priority', ARGV[10], 'rjk', scheduler)
	if ARGV[12] ~= '' then
		redis.call('HSET', base .. job, 'deid', ARGV[12])
	end
	event('added', 'jobId', job, 'name', ARGV[5])
	if tonumber(ARGV[9]) > 0 then
		delayUntil(job, tonumber(slot))
	else
		local priority = tonumber(ARGV[10])
		lineUp(job, priority, priority == 0 and ARGV[11] == '1')
		event('waiting', 'jobId', job)
	end
end
