-- Whether a worker may still write what became of its job. Needs keys job and lock, and id and token.

-- loss says why the job is no longer this worker's; nil if it is.
local function loss()
	local holder = redis.call('GET', keys.lock)
	if holder == token then
		return nil
	elseif redis.call('EXISTS', keys.job) == 0 then
		return 'missing'
	elseif holder then
		return 'stolen'
	end
	return 'unlocked'
end

-- leaveActive takes the job out of active and says whether it was there. It runs before all other writes.
local function leaveActive()
	if redis.call('LREM', keys.active, -1, id) == 0 then
		return false
	end
	redis.call('DEL', keys.lock)
	redis.call('SREM', keys.stalled, id)
	return true
end
