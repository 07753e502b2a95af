-- Brings jobs to the states that changes say, one change after the other, each from wherever Redis has the job or from
-- nowhere, and tells listeners.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 completed  7 failed  8 waiting-children
--       9 events  10 meta  11 id  12 pc  13 marker  14 stalled  15 waiting
--       16 the metrics of completed jobs  17 their data  18 the metrics of failed jobs  19 their data
-- ARGV  1 what the queue's keys begin with  2 what tombstones begin with
--       3 life of a tombstone in ms  4 how many finished jobs to delete at most
--       5 for how many minutes metrics are kept, 0 = there are none
--       6... the changes, each a MessagePack array of
--         1 job id  2 the change's number, as text  3 transition ('' = tell nobody)  4 state to bring the job to
--         5 timestamp, as text  6 due time of a delayed job, else 0  7 priority  8 LIFO
--         9 lock token  10 lock's life in ms, 0 = for ever
--         11 how many of the newest finished jobs stay, -1 = all  12 for how many ms, 0 = for ever
--         13 how many of those that are too old to delete at most
--         14 time of the end, as text, 0 = has not ended  15 returnvalue or failedReason for listeners
--         16 attempts made, if none is left, else ''  17 attempts started, as text  18 progress or ''
--         19 names and values of the fields that the transition changes, the change's number among them
--         20 those of the other fields of its present state  21 those of the fields that describe the job
--         22 names of the fields that it has not
--         23 whether a job that isn't there was deleted, and stays so unless it is added or requeued
--       20 to 22 are packed once more: most changes need none of them.
--       Times are in ms. Texts go into Redis as they are; no JSON is parsed.
-- Out   a list with one result per change: 0 seen before, nothing done  1 done  2 a newer state is shown already:
--       listeners told, nothing moved  an error: this change can't be shown; the others are not affected
-- Events  added, waiting, delayed, active, stalled, completed, failed, retries-exhausted, drained, removed

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5],
	completed = KEYS[6], failed = KEYS[7], ['waiting-children'] = KEYS[8], events = KEYS[9], meta = KEYS[10],
	id = KEYS[11], pc = KEYS[12], marker = KEYS[13], stalled = KEYS[14], waiting = KEYS[15],
}
local metricsOf = {
	completed = { counts = KEYS[16], data = KEYS[17] }, failed = { counts = KEYS[18], data = KEYS[19] },
}
local base, goneBase, goneLife = ARGV[1], ARGV[2], ARGV[3]
local sweep, metricsKept = tonumber(ARGV[4]), tonumber(ARGV[5])
local call, unpacked = redis.call, cmsgpack.unpack

-- include queue
-- include waiting
-- include tally

-- What the stream gets is trimmed once, at the end.
local grown = false
local function tellAll(name, ...)
	grown = true
	call('XADD', keys.events, '*', 'event', name, ...)
end

-- The change at hand.
local id, seq, transition, state, timestamp, due, priority, finishedOn
local jobKey, hash, known, shown, told, buried, silent, finished, gone
local sides

-- The counter of ids, once it is known, and what it was.
local counter, counterWas

local function bury(newest, newestTold)
	call('SET', goneBase .. id, newest .. ' ' .. newestTold .. ' ' .. timestamp, 'PX', goneLife)
end

-- tell writes what listeners hear of the transition. from: the collection that the job left, if that is known.
local function tell(c, from)
	if transition == 'added' then
		tellAll('added', 'jobId', id, 'name', unpacked(c[21])[2])
		if state == 'delayed' then
			tellAll('delayed', 'jobId', id, 'delay', whole(due))
		else
			tellAll('waiting', 'jobId', id)
		end
	elseif transition == 'promoted' then
		tellAll('waiting', 'jobId', id, 'prev', 'delayed')
	elseif transition == 'started' then
		if from == 'delayed' then
			tellAll('waiting', 'jobId', id, 'prev', 'delayed')
		end
		tellAll('active', 'jobId', id, 'prev', 'waiting')
	elseif transition == 'stalled' then
		tellAll('waiting', 'jobId', id, 'prev', 'active')
		tellAll('stalled', 'jobId', id)
	elseif transition == 'retried' then
		local ended = from == 'failed' or from == 'completed'
		tellAll('waiting', 'jobId', id, 'prev', ended and from or 'active')
	elseif transition == 'requeued' then
		tellAll('waiting', 'jobId', id, 'prev', from == 'completed' and from or 'failed')
	elseif transition == 'backedOff' then
		tellAll('delayed', 'jobId', id, 'delay', whole(due))
	elseif finished then
		local field = state == 'completed' and 'returnvalue' or 'failedReason'
		if c[17] == '0' or (from and from ~= 'active') then
			tellAll(state, 'jobId', id, field, c[15])
		else
			tellAll(state, 'jobId', id, field, c[15], 'prev', 'active')
		end
		if state == 'failed' and c[16] ~= '' then
			tellAll('retries-exhausted', 'jobId', id, 'attemptsMade', c[16])
		end
	end
end

-- Collections that were empty when they were first asked for and that got nothing since need no searching.
local occupied = {}
local function mayHold(place)
	local is = occupied[place]
	if is == nil then
		is = call('EXISTS', keys[place]) == 1
		occupied[place] = is
	end
	return is
end

-- Lists are written when it has to be: what joins them on the left, and what leaves them on the right, is gathered.
-- ahead: the ids at the right end, the next one to leave last. left: how many have left. joined: those that have joined.
local gathered = {}
local function listOf(list)
	local g = gathered[list]
	if not g then
		g = { joined = {}, left = 0 }
		gathered[list] = g
	end
	return g
end

-- settle writes what is gathered of a list; it must be called before the list is used in another way.
local function settle(list)
	local g = gathered[list]
	if not g then
		return
	end
	gathered[list] = nil
	if g.left > 0 then
		call('RPOP', list, g.left)
	end
	if g.joined[1] then
		call('LPUSH', list, unpack(g.joined))
	end
end

local function join(list)
	local joined = listOf(list).joined
	joined[#joined + 1] = id
end

-- popped takes the id out of a list if it is at the right end, as it is where jobs run in their order. A list that is met
-- in another order is searched from then on.
local inOrder = {}
local function popped(list)
	if inOrder[list] == false then
		return false
	end
	local g = listOf(list)
	if not g.ahead or (g.left == #g.ahead and (g.left > 0 or g.joined[1])) then
		settle(list)
		g = listOf(list)
		g.ahead = call('LRANGE', list, -64, -1)
	end
	if g.ahead[#g.ahead - g.left] == id then
		g.left = g.left + 1
		return true
	end
	inOrder[list] = false
	return false
end

local function isEmpty(list)
	local g = gathered[list]
	if g and (g.joined[1] or g.ahead and #g.ahead > g.left) then
		return false
	end
	settle(list)
	return call('LLEN', list) == 0
end

-- sideOf says from which end of a list the id is nearer: 1 left, -1 right, false if it isn't there. The search widens
-- from both ends, so that a long list costs little when jobs run in their order, or right after they were added.
-- A job that a resync finds missing should be in no list at all: the ends are all that is searched for it.
local widths, narrow = { 16, 256, 4096 }, { 16 }
local function search(list)
	settle(list)
	for _, width in ipairs(known and widths or narrow) do
		if call('LPOS', list, id, 'MAXLEN', width) then
			return 1
		elseif call('LPOS', list, id, 'RANK', -1, 'MAXLEN', width) then
			return -1
		end
	end
	return (known or not silent) and call('LPOS', list, id) and 1
end

local function sideOf(list)
	if sides[list] == nil then
		sides[list] = search(list)
	end
	return sides[list]
end

local function takeOut(list)
	if sides[list] == nil and popped(list) then
		return
	end
	local side = sideOf(list)
	if side then
		settle(list)
		call('LREM', list, side, id)
		sides[list] = false
	end
end

local function isList(place)
	return place == 'wait' or place == 'active'
end

local settleEnded -- see below
local function holds(place)
	if not mayHold(place) then
		return false
	elseif isList(place) then
		return sideOf(keys[place])
	end
	settleEnded(keys[place])
	return call('ZSCORE', keys[place], id)
end

-- find looks first where the job was put last, then everywhere, the cheapest collections first.
local everywhere = { 'active', 'delayed', 'prioritized', 'completed', 'failed', 'waiting-children', 'wait' }
local function find(hint)
	if hint and keys[hint] and holds(hint) then
		return hint
	end
	for _, place in ipairs(everywhere) do
		if place ~= hint and holds(place) then
			return place
		end
	end
	return nil
end

local function isWaiting(place)
	return place == 'wait' or place == 'prioritized'
end

-- leave takes the job out of a collection, unless goAhead did, and out of what goes with it.
local function leave(place)
	if not gone then
		if isList(place) then
			takeOut(keys[place])
		else
			call('ZREM', keys[place], id)
		end
	end
	if isWaiting(place) then
		takeOut(keys.waiting)
	elseif place == 'active' and mayHold('stalled') then
		call('SREM', keys.stalled, id)
	end
end

-- goAhead takes a job that is where it was put last, and that has to leave from there, out of it in one step; it returns
-- the collection. Else the job is to be searched for.
local function goAhead(hint)
	if transition == 'started' and hint == 'wait' and popped(keys.wait) then
		return hint
	elseif hint == 'active' and state ~= 'active' and popped(keys.active) then
		return hint
	elseif hint == 'prioritized' and state == 'active' and call('ZREM', keys.prioritized, id) == 1 then
		return hint
	end
	return nil
end

-- locks are those to be put, or to be taken away (false), at the end.
local locks = {}
local function settleLocks()
	local put, away = {}, {}
	for key, token in pairs(locks) do
		if token then
			put[#put + 1] = key
			put[#put + 1] = token
		else
			away[#away + 1] = key
		end
	end
	if put[1] then
		call('MSET', unpack(put))
	end
	if away[1] then
		call('DEL', unpack(away))
	end
end

-- releaseDeduplication frees the deduplication id that a client gave the job.
local function releaseDeduplication(always)
	local key = hash[4] and base .. 'de:' .. hash[4]
	if key and call('GET', key) == id and (always or call('PTTL', key) == -1) then
		call('DEL', key)
	end
end

-- deleteJob deletes a job's keys; a tombstone keeps what its private fields say.
local function deleteJob(job)
	local key = base .. job
	local last = call('HMGET', key, 'cn:seq', 'cn:ev', 'timestamp')
	if last[1] and last[2] and last[3] then
		call('SET', goneBase .. job, last[1] .. ' ' .. last[2] .. ' ' .. last[3], 'PX', goneLife)
	end
	locks[key .. ':lock'] = nil
	call('DEL', key, key .. ':lock', key .. ':logs', key .. ':dependencies', key .. ':processed',
		key .. ':failed', key .. ':unsuccessful')
end

local function deleteFinished(set, jobs)
	for _, job in ipairs(jobs) do
		call('ZREM', set, job)
		deleteJob(job)
	end
end

-- ended are the jobs that join a set of finished ones, by its key, all with the same number of jobs to keep.
local ended = {}
settleEnded = function(set)
	local e = ended[set]
	if not e then
		return
	end
	ended[set] = nil
	call('ZADD', set, unpack(e.scores))
	local extra = e.keep > 0 and call('ZCARD', set) - e.keep or 0
	if extra > 0 then
		deleteFinished(set, call('ZRANGE', set, 0, math.min(extra, sweep) - 1))
	end
end

-- retain puts the ended job into its set and deletes those that need not stay.
local function retain(keepCount, keepAge, atOnce)
	local set = keys[state]
	if keepCount == 0 then
		settleEnded(set)
		call('ZREM', set, id)
		deleteJob(id)
		return
	end
	if ended[set] and ended[set].keep ~= keepCount then
		settleEnded(set)
	end
	local e = ended[set]
	if not e then
		e = { keep = keepCount, scores = {} }
		ended[set] = e
	end
	local n = #e.scores
	e.scores[n + 1], e.scores[n + 2] = finishedOn, id
	if keepAge > 0 then
		local keep = e.keep
		e.keep = -1
		settleEnded(set)
		deleteFinished(set, call('ZREVRANGEBYSCORE', set, whole(tonumber(finishedOn) - keepAge), '-inf', 'LIMIT', 0, atOnce))
		ended[set] = { keep = keep, scores = { finishedOn, id } }
		settleEnded(set)
	end
end

-- remove deletes the job.
local function remove(c, from)
	if from then
		leave(from)
	end
	if known or from then
		releaseDeduplication(true)
		if hash[4] then
			call('DEL', base .. 'dn:' .. hash[4])
		end
		deleteJob(id)
		tellAll('removed', 'jobId', id, 'prev', from or 'unknown')
	end
	bury(c[2], c[2])
end

-- delay puts the job among the delayed ones.
local function delay(from)
	local lowest, highest = due * 4096, due * 4096 + 4095
	local score = from == 'delayed' and tonumber(call('ZSCORE', keys.delayed, id))
	if score and score >= lowest and score <= highest then
		return
	end
	if from then
		leave(from)
	end
	local last = call('ZREVRANGEBYSCORE', keys.delayed, whole(highest), whole(lowest), 'WITHSCORES', 'LIMIT', 0, 1)
	score = last[2] and math.min(tonumber(last[2]) + 1, highest) or lowest
	call('ZADD', keys.delayed, whole(score), id)
	local first = call('ZRANGE', keys.delayed, 0, 0, 'WITHSCORES')
	call('ZADD', keys.marker, string.format('%.17g', tonumber(first[2]) / 4096), '1')
end

-- wait puts the job where it waits and returns the name of that collection.
local function wait(lifo)
	local stalled = transition == 'stalled'
	if concurrency then
		settle(keys.active)
	end
	if stalled or (lifo and priority == 0) then
		settle(keys.wait)
		settle(keys.waiting)
		return enqueue(id, 0, true)
	elseif priority ~= 0 then
		settle(keys.waiting)
		return enqueue(id, priority, false)
	end
	join(keys.wait)
	join(keys.waiting)
	wakeWorkers()
	return 'wait'
end

-- move brings the job to where its state belongs and returns the name of that collection.
local function move(c, from, wasWaiting)
	if state == 'waiting' then
		if isWaiting(from) then
			if not wasWaiting then
				takeOut(keys.waiting)
				join(keys.waiting)
			end
			return from
		end
		if from then
			leave(from)
		end
		return wait(c[8])
	elseif state == 'delayed' and silent and seq == shown and isWaiting(from) then
		-- The timer, or a client, promoted it since.
		return from
	elseif state == 'delayed' then
		delay(from)
	elseif from ~= state then
		if from then
			leave(from)
		end
		if state == 'active' then
			join(keys.active)
			wake()
		end
	end
	return state
end

local function append(fields, more)
	local n = #fields
	for i = 1, #more do
		fields[n + i] = more[i]
	end
end

-- write puts the fields of the hash in order.
local function write(c, place, from)
	local fields = c[19]
	-- What a step of an attempt adds to the state before it is all that is new, and takes nothing away.
	local step = known and seq == shown + 1
		and (transition == 'started' and isWaiting(from) or finished and not silent and from == 'active')
	if not step then
		append(fields, unpacked(c[20]))
	end
	-- A client's own edits of data, opts and priority stay, unless the same state is shown again.
	if not known or (silent and seq == shown) then
		append(fields, unpacked(c[21]))
	end
	if state == 'delayed' and place ~= 'delayed' then
		append(fields, { 'delay', '0' })
	end
	if c[18] ~= '' and (finished or not known) then
		append(fields, { 'progress', c[18] })
	end
	local n = #fields
	fields[n + 1], fields[n + 2], fields[n + 3], fields[n + 4] = 'cn:ev', told, 'cn:at', place
	call('HSET', jobKey, unpack(fields))
	if known and not step then
		local absent = unpacked(c[22])
		if absent[1] then
			call('HDEL', jobKey, unpack(absent))
		end
	end
end

-- fresh are the ids of jobs that are added and of which Redis knows nothing, neither a hash nor a tombstone.
local fresh = {}
local function findFresh(changes)
	local keysOfAdded, ids = {}, {}
	for _, c in ipairs(changes) do
		if c[3] == 'added' then
			ids[#ids + 1] = c[1]
			keysOfAdded[#keysOfAdded + 1] = base .. c[1]
			keysOfAdded[#keysOfAdded + 1] = goneBase .. c[1]
		end
	end
	if ids[1] and call('EXISTS', unpack(keysOfAdded)) == 0 then
		for _, job in ipairs(ids) do
			fresh[job] = true
		end
	end
end

local function project(c)
	id, transition, state, timestamp, due, priority = c[1], c[3], c[4], c[5], c[6], c[7]
	seq, finishedOn = tonumber(c[2]), c[14]
	silent, finished = transition == '', state == 'completed' or state == 'failed'
	jobKey = base .. id
	local new = fresh[id] and transition == 'added'
	fresh[id] = nil
	hash = new and {} or call('HMGET', jobKey, 'cn:seq', 'cn:ev', 'cn:at', 'deid')
	known, buried = hash[1], false
	shown, told = known and tonumber(known) or 0, hash[2] or '0'
	if not known and not new and call('EXISTS', jobKey, goneBase .. id) > 0 then
		known = call('EXISTS', jobKey) == 1
		local stone = not known and call('GET', goneBase .. id)
		if stone then
			local s, t, added = string.match(stone, '^(%d+) (%d+) (%d+)$')
			if added == timestamp then
				buried, shown, told = true, tonumber(s), t
			end
		end
	end
	if silent then
		if seq < shown or (buried and seq == shown) then
			return 0
		end
	elseif seq <= tonumber(told) then
		return 0
	elseif seq <= shown then
		if transition ~= 'removed' then
			tell(c, nil)
		end
		if buried then
			bury(whole(shown), c[2])
		else
			call('HSET', jobKey, 'cn:ev', c[2])
		end
		return 2
	end

	if c[23] and not known and transition ~= 'added' and transition ~= 'requeued' and transition ~= 'removed' then
		return 0
	end

	sides = {}
	local hint = hash[3]
	local from = not silent and goAhead(hint)
	gone = from
	-- A job that is added and has no hash is nowhere.
	if not from and (known or transition ~= 'added') then
		from = find(hint)
	end
	local wasWaiting = isWaiting(hint)
	if wasWaiting and not isWaiting(from) then
		takeOut(keys.waiting)
	end
	if transition == 'removed' then
		remove(c, from)
		return 1
	end
	if known and state == 'waiting' and not (silent and seq == shown) then
		priority = tonumber(call('HGET', jobKey, 'priority') or '') or priority
	end
	local place = move(c, from, wasWaiting)
	occupied[place] = true

	if state == 'active' and c[10] > 0 then
		locks[jobKey .. ':lock'] = nil
		call('SET', jobKey .. ':lock', c[9], 'PX', c[10])
	elseif state == 'active' then
		locks[jobKey .. ':lock'] = c[9]
	elseif known or transition ~= 'added' then
		locks[jobKey .. ':lock'] = false
	end

	-- Others may have told listeners of this step already: a client that added the job, the timer that promoted it,
	-- the claim that started it.
	local toldByOthers = (transition == 'added' and known)
		or (transition == 'promoted' and isWaiting(from))
		or (transition == 'started' and from == 'active' and call('HGET', jobKey, 'ats') == c[17])
	if not silent then
		told = c[2]
	end
	write(c, place, from)

	if not known then
		if buried then
			call('DEL', goneBase .. id)
		end
		if not counter then
			counterWas = tonumber(call('GET', keys.id) or 0)
			counter = counterWas
		end
		if transition == 'added' then
			counter = counter + 1
		end
		-- Ids that clients count themselves must not be given out again after a loss of data.
		if #id < 16 and string.match(id, '^[1-9]%d*$') then
			counter = math.max(counter, tonumber(id))
		end
	end

	if finished then
		releaseDeduplication(false)
		if state == 'failed' then
			call('HDEL', jobKey, 'defa')
		end
		retain(c[11], c[12], c[13])
		if not silent and metricsKept > 0 then
			measure(metricsOf[state], tonumber(finishedOn))
		end
	end

	if not silent and not toldByOthers then
		tell(c, from)
		if finished and not paused and concurrency ~= 0
			and isEmpty(keys.wait) and isEmpty(keys.active)
			and call('ZCARD', keys.prioritized) == 0 and call('ZCARD', keys.delayed) == 0 then
			tellAll('drained')
		end
	end
	return 1
end

-- include line
local changes = {}
for i = 6, #ARGV do
	changes[i - 5] = unpacked(ARGV[i])
end
findFresh(changes)
local results = {}
for i, change in ipairs(changes) do
	local fine, result = pcall(project, change)
	if not fine then
		result = { err = type(result) == 'table' and result.err or 'ERR ' .. tostring(result) }
	end
	results[i] = result
end

settle(keys.wait)
settle(keys.active)
settle(keys.waiting)
settleEnded(keys.completed)
settleEnded(keys.failed)
settleLocks()

if counter ~= counterWas then
	call('SET', keys.id, whole(counter))
end
if metricsKept > 0 then
	record(metricsOf.completed, metricsKept)
	record(metricsOf.failed, metricsKept)
end
if grown then
	trim()
end
return results
