-- Deletes a job, as a client does.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 completed  7 failed  8 waiting-children  9 events
--       10 meta  11 marker  12 stalled  13 the schedulers
-- ARGV  1 what the queue's keys begin with  2 job id  3 now in ms
-- Out   1 deleted, -1 there is no such job, -3 a worker has it, -4 a scheduler's next one, -5 it has children
-- Events  removed; waiting, delayed of a parent that waited for this child alone

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5], completed = KEYS[6],
	failed = KEYS[7], ['waiting-children'] = KEYS[8], events = KEYS[9], meta = KEYS[10], marker = KEYS[11],
	stalled = KEYS[12], repeats = KEYS[13],
}
local base, id, now = ARGV[1], ARGV[2], ARGV[3]

-- include queue
-- include parent
-- include erase

if isArmed(id) then
	return -4
elseif redis.call('EXISTS', base .. id .. ':lock') == 1 then
	return -3
elseif hasChildren(id) then
	return -5
end
local from
for _, place in ipairs({ 'completed', 'failed', 'delayed', 'prioritized', 'waiting-children' }) do
	if redis.call('ZREM', keys[place], id) == 1 then
		from = place
	end
end
for _, place in ipairs({ 'wait', 'paused', 'active' }) do
	if redis.call('LREM', keys[place], 0, id) > 0 then
		from = place
	end
end
if not from and redis.call('EXISTS', base .. id) == 0 then
	return -1
end
redis.call('SREM', keys.stalled, id)
leaveParent(id)
erase(id)
event('removed', 'jobId', id, 'prev', from or 'unknown')
return 1
