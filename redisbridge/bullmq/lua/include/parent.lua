-- What a child's end means to its parent, which may be in another queue. Needs base, now and whole.

-- freeParent lets a parent run that waited for its children, and tells the listeners of its queue.
local function freeParent(parentBase, parent)
	if redis.call('ZREM', parentBase .. 'waiting-children', parent) == 0 then
		return
	end
	local key = parentBase .. parent
	local settings = redis.call('HMGET', parentBase .. 'meta', 'paused', 'concurrency', 'opts.maxLenEvents')
	local function announce(...)
		redis.call('XADD', parentBase .. 'events', 'MAXLEN', '~', string.match(settings[3] or '', '^%d+$') or '10000', '*', 'event', ...)
	end
	local function mark()
		local most = tonumber(settings[2] or '')
		if not settings[1] and not (most and redis.call('LLEN', parentBase .. 'active') >= most) then
			redis.call('ZADD', parentBase .. 'marker', 0, '0')
		end
	end
	local fields = redis.call('HMGET', key, 'delay', 'priority')
	local wait, priority = tonumber(fields[1] or '') or 0, tonumber(fields[2] or '') or 0
	if wait > 0 then
		local due = tonumber(now) + wait
		local delayed = parentBase .. 'delayed'
		redis.call('ZADD', delayed, whole(due * 4096), parent)
		announce('delayed', 'jobId', parent, 'delay', whole(due))
		local first = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
		redis.call('ZADD', parentBase .. 'marker', string.format('%.17g', tonumber(first[2]) / 4096), '1')
		return
	end
	if priority ~= 0 then
		local turn = redis.call('INCR', parentBase .. 'pc')
		redis.call('ZADD', parentBase .. 'prioritized', whole(priority * 4294967296 + turn % 4294967296), parent)
	else
		redis.call('RPUSH', parentBase .. 'wait', parent)
	end
	mark()
	announce('waiting', 'jobId', parent, 'prev', 'waiting-children')
end

-- tellParent records what became of the child; policy is what its failure means: fpof, idof, rdof, cpof or nothing.
local function tellParent(parentBase, parent, policy, how, value)
	local key, child = parentBase .. parent, base .. id
	if redis.call('EXISTS', key) == 0 or (how == 'failed' and policy == '') then
		return
	end
	if redis.call('SREM', key .. ':dependencies', child) == 0 then
		return
	end
	local free = redis.call('SCARD', key .. ':dependencies') == 0
	if how == 'completed' then
		redis.call('HSET', key .. ':processed', child, value)
	elseif policy == 'fpof' then
		redis.call('ZADD', key .. ':unsuccessful', now, child)
		redis.call('HSET', key, 'defa', 'child ' .. child .. ' failed')
		free = true
	elseif policy ~= 'rdof' then
		redis.call('HSET', key .. ':failed', child, value)
		free = free or policy == 'cpof'
	end
	if free then
		freeParent(parentBase, parent)
	end
end
