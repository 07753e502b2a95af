-- Deletes the jobs that wait, and those that are delayed if that is asked for, as a client does. A scheduler's next job
-- stays, and so do parents of flows that still count children.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 events  7 meta  8 marker  9 the schedulers
-- ARGV  1 what the queue's keys begin with  2 '1' = the delayed ones too  3 now in ms
-- Out   how many were deleted
-- Events  none; waiting, delayed of parents that waited for these children alone

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5], events = KEYS[6],
	meta = KEYS[7], marker = KEYS[8], repeats = KEYS[9],
}
local base, now = ARGV[1], ARGV[3]

-- include queue
-- include waiting
-- include line
-- include parent
-- include erase

local deleted = 0
local function delete(job)
	if isArmed(job) or hasChildren(job) then
		return false
	end
	leaveParent(job)
	erase(job)
	deleted = deleted + 1
	return true
end

local ids = redis.call('LRANGE', keys.wait, 0, -1)
redis.call('DEL', keys.wait)
for _, id in ipairs(ids) do
	if not delete(id) then
		redis.call('RPUSH', keys.wait, id)
	end
end
for _, set in ipairs({ keys.prioritized, ARGV[2] == '1' and keys.delayed or nil }) do
	for _, id in ipairs(redis.call('ZRANGE', set, 0, -1)) do
		if delete(id) then
			redis.call('ZREM', set, id)
		end
	end
end
return deleted
