-- Deletes jobs of one state that are old enough, as a client does. A scheduler's next job stays, one that a worker has,
-- and parents of flows that still count children.
--
-- KEYS  1 wait  2 paused  3 the state's collection  4 events  5 meta  6 marker  7 stalled  8 the schedulers
-- ARGV  1 what the queue's keys begin with  2 the state's collection: wait, active, prioritized, delayed, completed,
--       failed or waiting-children  3 in ms, the newest time of a job that goes  4 how many at most  5 now in ms
-- Out   the ids that were deleted
-- Events  cleaned; waiting, delayed of parents that waited for these children alone

local keys = {
	wait = KEYS[1], paused = KEYS[2], set = KEYS[3], events = KEYS[4], meta = KEYS[5], marker = KEYS[6],
	stalled = KEYS[7], repeats = KEYS[8],
}
local base, place, latest, most, now = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local isList = place == 'wait' or place == 'active'

-- include queue
-- include waiting
-- include line
-- include parent
-- include erase

if place == 'wait' then
	keys.set = keys.wait
end

-- What a job's age counts from: the first of these fields that it has.
local times = { 'finishedOn', 'processedOn', 'timestamp' }
if place == 'delayed' then
	times = { 'processedOn', 'timestamp' }
elseif place == 'prioritized' or place == 'waiting-children' then
	times = { 'timestamp' }
end

local function isOld(job)
	for _, time in ipairs(redis.call('HMGET', base .. job, unpack(times))) do
		if time then
			return (tonumber(time) or 0) <= latest
		end
	end
	return true
end

local function goes(job)
	return not isArmed(job) and not hasChildren(job)
		and not (place == 'active' and redis.call('EXISTS', base .. job .. ':lock') == 1)
end

local gone = {}
local function delete(job)
	leaveParent(job)
	erase(job)
	if place == 'active' then
		redis.call('SREM', keys.stalled, job)
	end
	gone[#gone + 1] = job
end

if isList then
	local ids = redis.call('LRANGE', keys.set, 0, -1)
	for i = #ids, 1, -1 do
		if #gone == most then
			break
		end
		if goes(ids[i]) and isOld(ids[i]) then
			redis.call('LSET', keys.set, i - 1, '')
			delete(ids[i])
		end
	end
	if #gone > 0 then
		redis.call('LREM', keys.set, 0, '')
	end
else
	local ended = place == 'completed' or place == 'failed'
	local ids = ended and redis.call('ZRANGEBYSCORE', keys.set, '-inf', ARGV[3]) or redis.call('ZRANGE', keys.set, 0, -1)
	for _, id in ipairs(ids) do
		if #gone == most then
			break
		end
		if goes(id) and (ended or isOld(id)) then
			redis.call('ZREM', keys.set, id)
			delete(id)
		end
	end
end
event('cleaned', 'count', whole(#gone))
return gone
