-- Brings a job to the state that a change says, from wherever Redis has it or from nowhere, and tells listeners.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 completed  7 failed  8 waiting-children
--       9 events  10 meta  11 id  12 pc  13 marker  14 stalled  15 waiting
--       16 the job's hash  17 its lock  18 its tombstone
-- ARGV  1 what the queue's keys begin with  2 what tombstones begin with  3 job id
--       4 the change's number  5 transition ('' = tell nobody)  6 state to bring the job to
--       7 timestamp  8 due time of a delayed job, else 0  9 priority  10 '1' = LIFO
--       11 lock token  12 lock's life in ms, 0 = for ever
--       13 how many of the newest finished jobs stay, -1 = all  14 for how many ms, 0 = for ever
--       15 time of the end, 0 = has not ended  16 returnvalue or failedReason for listeners
--       17 attempts made, if none is left, else ''  18 attempts started  19 progress or ''
--       20 life of a tombstone in ms  21 how many finished jobs to delete at most
--       22 n, the number of fields that describe the job; then n names and values
--       then m, the number of fields of its present state; then m names and values
--       then the names of the fields that it has not
--       Times are in ms. Texts go into Redis as they are; nothing is parsed.
-- Out   0 seen before, nothing done  1 done  2 a newer state is shown already: listeners told, nothing moved
-- Events  added, waiting, delayed, active, stalled, completed, failed, retries-exhausted, drained, removed

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5],
	completed = KEYS[6], failed = KEYS[7], ['waiting-children'] = KEYS[8], events = KEYS[9], meta = KEYS[10],
	id = KEYS[11], pc = KEYS[12], marker = KEYS[13], stalled = KEYS[14], waiting = KEYS[15],
	job = KEYS[16], lock = KEYS[17], gone = KEYS[18],
}
local base, goneBase, id = ARGV[1], ARGV[2], ARGV[3]
local seq, transition, state = tonumber(ARGV[4]), ARGV[5], ARGV[6]
local timestamp, due, priority, lifo = ARGV[7], tonumber(ARGV[8]), tonumber(ARGV[9]), ARGV[10] == '1'
local token, lockLife = ARGV[11], tonumber(ARGV[12])
local keepCount, keepAge, finishedOn = tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15])
local payload, exhausted, attempt, progress = ARGV[16], ARGV[17], ARGV[18], ARGV[19]
local goneLife, sweep = ARGV[20], tonumber(ARGV[21])
local silent, finished = transition == '', state == 'completed' or state == 'failed'

local hash = redis.call('HMGET', keys.job, 'name', 'cn:seq', 'cn:ev', 'cn:at', 'priority', 'ats', 'deid')
local known = hash[1] or redis.call('EXISTS', keys.job) == 1
local shown, told = tonumber(hash[2] or '0'), tonumber(hash[3] or '0')
local buried = false
if not known then
	local stone = redis.call('GET', keys.gone)
	if stone then
		local s, t, added = string.match(stone, '^(%d+) (%d+) (%d+)$')
		if added == timestamp then
			buried, shown, told = true, tonumber(s), tonumber(t)
		end
	end
end
if silent then
	if seq < shown or (buried and seq == shown) then
		return 0
	end
elseif seq <= told then
	return 0
end

-- include queue
-- include waiting

local function bury(newest, newestTold)
	redis.call('SET', keys.gone, whole(newest) .. ' ' .. whole(newestTold) .. ' ' .. timestamp, 'PX', goneLife)
end

-- tell writes what listeners hear of the transition. from: the collection that the job left, if that is known.
local function tell(from)
	if transition == 'added' then
		event('added', 'jobId', id, 'name', ARGV[24])
		if state == 'delayed' then
			event('delayed', 'jobId', id, 'delay', ARGV[8])
		else
			event('waiting', 'jobId', id)
		end
	elseif transition == 'promoted' then
		event('waiting', 'jobId', id, 'prev', 'delayed')
	elseif transition == 'started' then
		if from == 'delayed' then
			event('waiting', 'jobId', id, 'prev', 'delayed')
		end
		event('active', 'jobId', id, 'prev', 'waiting')
	elseif transition == 'stalled' then
		event('waiting', 'jobId', id, 'prev', 'active')
		event('stalled', 'jobId', id)
	elseif transition == 'retried' then
		local ended = from == 'failed' or from == 'completed'
		event('waiting', 'jobId', id, 'prev', ended and from or 'active')
	elseif transition == 'backedOff' then
		event('delayed', 'jobId', id, 'delay', ARGV[8])
	elseif finished then
		local field = state == 'completed' and 'returnvalue' or 'failedReason'
		if attempt == '0' then
			event(state, 'jobId', id, field, payload)
		else
			event(state, 'jobId', id, field, payload, 'prev', 'active')
		end
		if state == 'failed' and exhausted ~= '' then
			event('retries-exhausted', 'jobId', id, 'attemptsMade', exhausted)
		end
	end
end

if not silent and seq <= shown then
	if transition ~= 'removed' then
		tell(nil)
	end
	if buried then
		bury(shown, seq)
	else
		redis.call('HSET', keys.job, 'cn:ev', ARGV[4])
	end
	return 2
end

gatherPaused()

-- sideOf says from which end of a list the id is nearer: 1 left, -1 right, false if it isn't there. The search widens
-- from both ends, so that a long list costs little when jobs run in their order, or right after they were added.
-- A job that is new to Redis should be in no list at all: the ends are all that is searched for it.
local unexpected = not known and (silent or transition == 'added')
local sides = {}
local function search(list)
	for _, width in ipairs(unexpected and { 16 } or { 16, 256, 4096 }) do
		if redis.call('LPOS', list, id, 'MAXLEN', width) then
			return 1
		elseif redis.call('LPOS', list, id, 'RANK', -1, 'MAXLEN', width) then
			return -1
		end
	end
	return not unexpected and redis.call('LPOS', list, id) and 1
end

local function sideOf(list)
	if sides[list] == nil then
		sides[list] = search(list)
	end
	return sides[list]
end

local function isList(place)
	return place == 'wait' or place == 'active'
end

local function holds(place)
	if isList(place) then
		return sideOf(keys[place])
	end
	return redis.call('ZSCORE', keys[place], id)
end

-- find looks first where the job was put last, then everywhere, the cheapest collections first.
local function find()
	local hint = hash[4]
	if hint and keys[hint] and holds(hint) then
		return hint
	end
	local all = { 'active', 'delayed', 'prioritized', 'completed', 'failed', 'waiting-children', 'wait' }
	for _, place in ipairs(all) do
		if place ~= hint and holds(place) then
			return place
		end
	end
	return nil
end

local function isWaiting(place)
	return place == 'wait' or place == 'prioritized'
end

local function dropWaiting()
	local side = sideOf(keys.waiting)
	if side then
		redis.call('LREM', keys.waiting, side, id)
	end
end

local function leave(place)
	if isList(place) then
		redis.call('LREM', keys[place], sideOf(keys[place]), id)
	else
		redis.call('ZREM', keys[place], id)
	end
	if isWaiting(place) then
		dropWaiting()
	end
	if place == 'active' then
		redis.call('SREM', keys.stalled, id)
	end
end

-- releaseDeduplication frees the deduplication id that a client gave the job.
local function releaseDeduplication(always)
	local key = hash[7] and base .. 'de:' .. hash[7]
	if key and redis.call('GET', key) == id and (always or redis.call('PTTL', key) == -1) then
		redis.call('DEL', key)
	end
end

-- deleteJob deletes a job's keys; a tombstone keeps what its private fields say.
local function deleteJob(job)
	local key = base .. job
	local last = redis.call('HMGET', key, 'cn:seq', 'cn:ev', 'timestamp')
	if last[1] and last[2] and last[3] then
		redis.call('SET', goneBase .. job, last[1] .. ' ' .. last[2] .. ' ' .. last[3], 'PX', goneLife)
	end
	redis.call('DEL', key, key .. ':lock', key .. ':logs', key .. ':dependencies', key .. ':processed',
		key .. ':failed', key .. ':unsuccessful')
end

local from = find()
local wasWaiting = isWaiting(hash[4])
if wasWaiting and not isWaiting(from) then
	dropWaiting()
end

if transition == 'removed' then
	if from then
		leave(from)
	end
	if known or from then
		releaseDeduplication(true)
		if hash[7] then
			redis.call('DEL', base .. 'dn:' .. hash[7])
		end
		deleteJob(id)
		event('removed', 'jobId', id, 'prev', from or 'unknown')
	end
	bury(seq, seq)
	return 1
end

-- The hash. A client's own edits of data, opts and priority stay until a resync says otherwise.
local fields = {}
local at = 22
for i = 1, 2 * tonumber(ARGV[at]) do
	if not known or silent then
		fields[#fields + 1] = ARGV[at + i]
	end
end
if known and not silent then
	priority = tonumber(hash[5] or '') or priority
end
at = at + 2 * tonumber(ARGV[at]) + 1
for i = 1, 2 * tonumber(ARGV[at]) do
	fields[#fields + 1] = ARGV[at + i]
end
at = at + 2 * tonumber(ARGV[at]) + 1
if progress ~= '' and (finished or not known) then
	fields[#fields + 1] = 'progress'
	fields[#fields + 1] = progress
end

-- The place.
local place = state
if state == 'waiting' then
	if isWaiting(from) then
		place = from
		if not wasWaiting then
			dropWaiting()
			redis.call('LPUSH', keys.waiting, id)
		end
	else
		if from then
			leave(from)
		end
		local front = transition == 'stalled'
		place = enqueue(id, front and 0 or priority, front or (lifo and priority == 0))
	end
elseif state == 'delayed' and silent and seq == shown and isWaiting(from) then
	-- The timer, or a client, promoted it since.
	place = from
	fields[#fields + 1] = 'delay'
	fields[#fields + 1] = '0'
elseif state == 'delayed' then
	local lowest, highest = due * 4096, due * 4096 + 4095
	local score = from == 'delayed' and tonumber(redis.call('ZSCORE', keys.delayed, id))
	if not score or score < lowest or score > highest then
		if from then
			leave(from)
		end
		local last = redis.call('ZREVRANGEBYSCORE', keys.delayed, whole(highest), whole(lowest),
			'WITHSCORES', 'LIMIT', 0, 1)
		score = last[2] and math.min(tonumber(last[2]) + 1, highest) or lowest
		redis.call('ZADD', keys.delayed, whole(score), id)
		local first = redis.call('ZRANGE', keys.delayed, 0, 0, 'WITHSCORES')
		redis.call('ZADD', keys.marker, string.format('%.17g', tonumber(first[2]) / 4096), '1')
	end
elseif from ~= state then
	if from then
		leave(from)
	end
	if state == 'active' then
		redis.call('LPUSH', keys.active, id)
		redis.call('ZADD', keys.marker, 0, '0')
	end
end

if state == 'active' then
	if lockLife > 0 then
		redis.call('SET', keys.lock, token, 'PX', lockLife)
	else
		redis.call('SET', keys.lock, token)
	end
else
	redis.call('DEL', keys.lock)
end

-- Others may have told listeners of this step already: a client that added the job, the timer that promoted it,
-- the claim that started it.
local toldByOthers = (transition == 'added' and known)
	or (transition == 'promoted' and isWaiting(from))
	or (transition == 'started' and from == 'active' and hash[6] == attempt)
if not silent then
	told = seq
end
fields[#fields + 1] = 'cn:seq'
fields[#fields + 1] = ARGV[4]
fields[#fields + 1] = 'cn:ev'
fields[#fields + 1] = whole(told)
fields[#fields + 1] = 'cn:at'
fields[#fields + 1] = place
redis.call('HSET', keys.job, unpack(fields))
if ARGV[at + 1] then
	redis.call('HDEL', keys.job, unpack(ARGV, at + 1))
end

if not known then
	if buried then
		redis.call('DEL', keys.gone)
	end
	local counter = transition == 'added' and redis.call('INCR', keys.id)
		or tonumber(redis.call('GET', keys.id) or '0')
	-- Ids that clients count themselves must not be given out again after a loss of data.
	if #id < 16 and string.match(id, '^[1-9]%d*$') and tonumber(id) > counter then
		redis.call('SET', keys.id, id)
	end
end

if finished then
	releaseDeduplication(false)
	if state == 'failed' then
		redis.call('HDEL', keys.job, 'defa')
	end
	local set = keys[state]
	if keepCount == 0 then
		redis.call('ZREM', set, id)
		deleteJob(id)
	else
		redis.call('ZADD', set, ARGV[15], id)
		local old = {}
		if keepAge > 0 then
			old = redis.call('ZRANGEBYSCORE', set, '-inf', whole(finishedOn - keepAge), 'LIMIT', 0, sweep)
			for _, job in ipairs(old) do
				redis.call('ZREM', set, job)
				deleteJob(job)
			end
		end
		local extra = keepCount > 0 and redis.call('ZCARD', set) - keepCount or 0
		if extra > 0 then
			old = redis.call('ZRANGE', set, 0, math.min(extra, sweep) - 1)
			for _, job in ipairs(old) do
				redis.call('ZREM', set, job)
				deleteJob(job)
			end
		end
	end
end

if not silent and not toldByOthers then
	tell(from)
	if finished and not paused and concurrency ~= 0
		and redis.call('LLEN', keys.wait) == 0 and redis.call('LLEN', keys.active) == 0
		and redis.call('ZCARD', keys.prioritized) == 0 and redis.call('ZCARD', keys.delayed) == 0 then
		event('drained')
	end
end
return 1
