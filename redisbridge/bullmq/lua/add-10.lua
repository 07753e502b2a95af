-- Adds a job, as a client does.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 events  7 meta  8 id  9 pc  10 marker
-- ARGV  1 what the queue's keys begin with  2 job id, or '' for the next number  3 name  4 data as JSON
--       5 options as JSON  6 timestamp in ms  7 delay in ms  8 priority  9 '1' = to the front of those that wait
--       10 deduplication id or ''  11 its life in ms, 0 = until the job's end
--       12 to 15 '1' = extend, replace, keep the last if one is active, reschedule
-- Out   {the id of the job that is there, 'added', 'duplicated' or 'deduplicated'}
-- Events  added, waiting, delayed, duplicated, deduplicated, removed

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5],
	events = KEYS[6], meta = KEYS[7], id = KEYS[8], pc = KEYS[9], marker = KEYS[10],
}
local base, name, data, opts = ARGV[1], ARGV[3], ARGV[4], ARGV[5]
local timestamp, delay, priority, lifo = ARGV[6], ARGV[7], tonumber(ARGV[8]), ARGV[9] == '1'
local due = tonumber(timestamp) + tonumber(delay)
local deduplication, life = ARGV[10], tonumber(ARGV[11])
local extend, replace, keepLast, reschedule = ARGV[12] == '1', ARGV[13] == '1', ARGV[14] == '1', ARGV[15] == '1'

-- include queue
-- include waiting
-- include line
-- include enter

local counted = redis.call('INCR', keys.id)
local id = ARGV[2] ~= '' and ARGV[2] or whole(counted)
if redis.call('EXISTS', base .. id) == 1 then
	event('duplicated', 'jobId', id)
	return { id, 'duplicated' }
end

local owned = base .. 'de:' .. deduplication
local function own()
	if life > 0 and not keepLast then
		redis.call('SET', owned, id, 'PX', whole(life))
	else
		redis.call('SET', owned, id)
	end
end

-- tellTwin tells that one of two jobs of a deduplication id was kept.
local function tellTwin(kept, dropped)
	event('deduplicated', 'jobId', kept, 'deduplicationId', deduplication, 'deduplicatedJobId', dropped)
end

-- refused says whether the owner of the deduplication id keeps the new job away, and does what follows from that.
local function refused(owner)
	local there = redis.call('EXISTS', base .. owner) == 1
	if not there and redis.call('PTTL', owned) == -1 then
		-- Someone deleted the job and left its deduplication id behind.
		own()
		return false
	end
	if replace and not (keepLast and redis.call('LPOS', keys.active, owner)) then
		if redis.call('ZREM', keys.delayed, owner) == 0 then
			return true
		end
		local key = base .. owner
		redis.call('DEL', key, key .. ':lock', key .. ':logs', key .. ':dependencies', key .. ':processed',
			key .. ':failed', key .. ':unsuccessful')
		event('removed', 'jobId', owner, 'prev', 'delayed')
		if extend then
			own()
		else
			redis.call('SET', owned, id, 'KEEPTTL')
		end
		tellTwin(id, owner)
		return false
	end
	if keepLast and redis.call('LPOS', keys.active, owner) then
		local next = base .. 'dn:' .. deduplication
		redis.call('DEL', next)
		redis.call('HSET', next, 'name', name, 'data', data, 'opts', opts, 'jid', id)
		redis.call('PERSIST', owned)
	elseif extend and life > 0 then
		redis.call('SET', owned, owner, 'PX', whole(life))
	end
	tellTwin(owner, id)
	if reschedule and redis.call('ZREM', keys.delayed, owner) == 1 then
		redis.call('HSET', base .. owner, 'delay', delay)
		delayUntil(owner, due)
	end
	return true
end

local fields = {
	'name', name, 'data', data, 'opts', opts, 'timestamp', timestamp, 'delay', delay, 'priority', ARGV[8],
}
if deduplication ~= '' then
	local owner = redis.call('GET', owned)
	if not owner then
		own()
	elseif refused(owner) then
		return { owner, 'deduplicated' }
	end
	fields[#fields + 1] = 'deid'
	fields[#fields + 1] = deduplication
end

redis.call('HSET', base .. id, unpack(fields))
event('added', 'jobId', id, 'name', name)
if tonumber(delay) > 0 then
	delayUntil(id, due)
else
	lineUp(id, priority, lifo and priority == 0)
	event('waiting', 'jobId', id)
end
return { id, 'added' }
