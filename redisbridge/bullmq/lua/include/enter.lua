-- How a client puts jobs where they wait for their turn. Needs queue.lua and waiting.lua.

-- lineUp puts a job that may run at once where it waits. front: it runs before its equals.
local function lineUp(job, priority, front)
	if priority ~= 0 then
		local turn = front and 0 or redis.call('INCR', keys.pc) % 4294967296
		redis.call('ZADD', keys.prioritized, whole(priority * 4294967296 + turn), job)
	else
		redis.call(front and 'RPUSH' or 'LPUSH', keys.wait, job)
	end
	wakeWorkers()
end

-- markDelayed tells workers that block on the marker when the next delayed job is due.
local function markDelayed()
	local first = redis.call('ZRANGE', keys.delayed, 0, 0, 'WITHSCORES')
	if first[2] then
		redis.call('ZADD', keys.marker, string.format('%.17g', tonumber(first[2]) / 4096), '1')
	end
end

-- delayUntil puts a job among those that are delayed, behind those that are due in the same millisecond.
local function delayUntil(job, due)
	local lowest, highest = due * 4096, due * 4096 + 4095
	local last = redis.call('ZREVRANGEBYSCORE', keys.delayed, whole(highest), whole(lowest), 'WITHSCORES', 'LIMIT', 0, 1)
	redis.call('ZADD', keys.delayed, whole(last[2] and math.min(tonumber(last[2]) + 1, highest) or lowest), job)
	event('delayed', 'jobId', job, 'delay', whole(due))
	markDelayed()
end
