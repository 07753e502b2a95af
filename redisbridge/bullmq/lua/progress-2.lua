-- Shows the progress of attempts, as far as their jobs are still active in them.
--
-- KEYS  1 the stream of events  2 the queue's settings
-- ARGV  1 what the queue's keys begin with
--       2... for each update: job id, attempts started, which numbers the attempt, and progress as JSON
-- Out   a list with one result per update: 1 shown, 0 the job is not active in this attempt, an error: it can't be shown
-- Events  progress

local keys = { events = KEYS[1], meta = KEYS[2] }
local base = ARGV[1]

-- include queue

-- One job may have several updates: all are told, the newest one stays.
local attempts, newest = {}, {}
local function show(id, attempt, progress)
	local now = attempts[id]
	if now == nil then
		local hash = redis.call('HMGET', base .. id, 'cn:at', 'ats')
		now = hash[1] == 'active' and hash[2]
		attempts[id] = now
	end
	if now ~= attempt then
		return 0
	end
	if #ARGV == 4 then
		event('progress', 'jobId', id, 'data', progress)
	else
		redis.call('XADD', keys.events, '*', 'event', 'progress', 'jobId', id, 'data', progress)
	end
	newest[id] = progress
	return 1
end

local results = {}
for i = 2, #ARGV, 3 do
	local fine, result = pcall(show, ARGV[i], ARGV[i + 1], ARGV[i + 2])
	if not fine then
		result = { err = type(result) == 'table' and result.err or 'ERR ' .. tostring(result) }
	end
	results[#results + 1] = result
end
local grown = false
for id, progress in pairs(newest) do
	redis.call('HSET', base .. id, 'progress', progress)
	grown = true
end
if grown and #ARGV > 4 then
	trim()
end
return results
