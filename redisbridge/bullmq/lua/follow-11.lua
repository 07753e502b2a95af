-- Adds the jobs that were refused last while one of their deduplication id was active (keepLastIfActive), once that has
-- ended: what a worker does at a job's end, for those who show ends in another way.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 events  7 meta  8 id  9 pc  10 marker  11 waiting
-- ARGV  1 what the queue's keys begin with  2 now in ms  3... the deduplication ids
-- Out   the deduplication ids for which a job was added
-- Events  added, waiting, delayed

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5],
	events = KEYS[6], meta = KEYS[7], id = KEYS[8], pc = KEYS[9], marker = KEYS[10], waiting = KEYS[11],
}
local base, now = ARGV[1], ARGV[2]

-- include queue
-- include waiting
-- include line
-- include enter
local delay = delayUntil
-- include followup

-- taken says whether a job that has not ended has the id: then it is at that one's end that the other follows.
local function taken(deduplication)
	local owner = redis.call('GET', base .. 'de:' .. deduplication)
	if not owner then
		return false
	end
	local hash = redis.call('HMGET', base .. owner, 'name', 'finishedOn')
	return hash[1] and not hash[2]
end

local function follow(deduplication)
	local remembered = base .. 'dn:' .. deduplication
	if redis.call('EXISTS', remembered) == 0 or taken(deduplication) then
		return false
	end
	addLast(deduplication, remembered)
	return true
end

-- What some client made unreadable is in nobody's way.
local added = {}
for i = 3, #ARGV do
	local fine, done = pcall(follow, ARGV[i])
	if fine and done then
		added[#added + 1] = ARGV[i]
	end
end
return added
