-- How a client deletes jobs. Needs queue.lua and parent.lua; base is what the queue's keys begin with, keys.repeats its
-- schedulers.

-- isArmed says whether a job is the next one of a scheduler, which goes with the scheduler alone.
local function isArmed(job)
	local scheduler, slot = string.match(job, '^repeat:(.+):(%d+)$')
	return scheduler and tonumber(redis.call('ZSCORE', keys.repeats, scheduler) or '') == tonumber(slot)
end

-- hasChildren says whether a job is a flow's parent that still counts children.
local function hasChildren(job)
	return redis.call('EXISTS', base .. job .. ':dependencies') == 1
end

-- leaveParent lets the parent of a child that goes forget it.
local function leaveParent(job)
	local parent = redis.call('HGET', base .. job, 'parentKey')
	if not parent or redis.call('SREM', parent .. ':dependencies', base .. job) == 0 then
		return
	end
	if redis.call('SCARD', parent .. ':dependencies') == 0 then
		local parentBase, parentID = string.match(parent, '^(.*:)([^:]*)$')
		if parentBase then
			freeParent(parentBase, parentID)
		end
	end
end

-- erase deletes a job's keys, and its deduplication id if that is its own.
local function erase(job)
	local key = base .. job
	local deduplication = redis.call('HGET', key, 'deid')
	if deduplication and redis.call('GET', base .. 'de:' .. deduplication) == job then
		redis.call('DEL', base .. 'de:' .. deduplication, base .. 'dn:' .. deduplication)
	end
	redis.call('DEL', key, key .. ':lock', key .. ':logs', key .. ':dependencies', key .. ':processed',
		key .. ':failed', key .. ':unsuccessful')
end
