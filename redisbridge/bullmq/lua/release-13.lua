-- Puts a job that a worker holds back to where it waits: after a failed attempt, or because its worker says so.
-- Then takes the worker's next one.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 events  7 meta  8 pc  9 marker  10 limiter
--       11 stalled  12 the job's hash  13 its lock
-- ARGV  1 to 8 as include/claim.lua says
--       9 job id  10 token of its lock  11 retry, delay or return  12 due time of a delayed job  13 its delay in ms
--       14 '1' = the attempt counts  15 '1' = LIFO  16 failedReason or ''  17 stack traces as JSON or ''
-- Out   {done, missing, unlocked, stolen or inactive; then as claim's}
-- Events  waiting, delayed, active

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5],
	events = KEYS[6], meta = KEYS[7], pc = KEYS[8], marker = KEYS[9], limiter = KEYS[10],
	stalled = KEYS[11], job = KEYS[12], lock = KEYS[13],
}
local base, now = ARGV[1], ARGV[2]
local id, token, where, counts = ARGV[9], ARGV[10], ARGV[11], ARGV[14] == '1'

-- include queue
-- include waiting
-- include line
-- include claim
-- include held

local lost = loss()
if lost and again then
	-- Did the earlier call put it back? Then it is not active, unless somebody has taken it since.
	if lost == 'unlocked' and not redis.call('LPOS', keys.active, id) then
		lost = 'done'
	end
	return { lost, unpack(claim()) }
end
if not lost and not leaveActive() then
	lost = 'inactive'
end
if lost then
	return { lost, 'none', '', {}, '', {} }
end
if where == 'retry' then
	promoteDue()
end
if ARGV[17] ~= '' then
	redis.call('HSET', keys.job, 'failedReason', ARGV[16], 'stacktrace', ARGV[17])
end
if counts then
	count(id, 'atm')
end
if where == 'delay' then
	redis.call('HSET', keys.job, 'delay', ARGV[13])
	delay(id, tonumber(ARGV[12]))
else
	local priority, front = priorityOf(id), where == 'return'
	if priority ~= 0 and front then
		redis.call('ZADD', keys.prioritized, whole(priority * 4294967296), id)
		wakeWorkers()
	else
		enqueue(id, priority, front or ARGV[15] == '1')
	end
	event('waiting', 'jobId', id, 'prev', 'active')
end
return { 'done', unpack(claim()) }
