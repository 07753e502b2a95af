-- Where a job is. The including command has defined the table keys: the key of each collection by its name.

local places = { 'active', 'delayed', 'prioritized', 'completed', 'failed', 'waiting-children', 'wait', 'paused' }

-- within says whether a collection holds the job. A list is searched from both ends, in widening steps: jobs run in about
-- the order in which they were added.
local function within(place, job)
	local key = keys[place]
	if place ~= 'wait' and place ~= 'active' and place ~= 'paused' then
		return redis.call('ZSCORE', key, job)
	end
	for _, width in ipairs({ 16, 256, 4096 }) do
		if redis.call('LPOS', key, job, 'MAXLEN', width) or redis.call('LPOS', key, job, 'RANK', -1, 'MAXLEN', width) then
			return true
		end
	end
	return redis.call('LPOS', key, job)
end

-- whereIs looks first where the job was put last, then everywhere, the cheapest collections first.
local function whereIs(job, hint)
	if hint and keys[hint] and within(hint, job) then
		return hint
	end
	for _, place in ipairs(places) do
		if place ~= hint and within(place, job) then
			return place
		end
	end
	return ''
end
