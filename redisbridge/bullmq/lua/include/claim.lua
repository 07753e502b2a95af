-- How a worker takes its next job. Needs queue.lua, waiting.lua and line.lua, and of the including command: base, now, the keys
-- limiter, wait, active, prioritized, delayed and pc, and these arguments in their places:
--
-- ARGV  1 what the queue's keys begin with  2 now  3 token of the next job's lock, '' = take none  4 the lock's life
--       5 the worker's name or ''  6 jobs that it may start in a window, 0 = any number  7 the window's length
--       8 '1' = an earlier call with this token may have been carried out

local taking, again = ARGV[3] ~= '', ARGV[8] == '1'

-- isJob says whether an id has a hash. One that has none, or whose key is something else, is nothing that could run.
local function isJob(job)
	local size = redis.pcall('HLEN', base .. job)
	return type(size) == 'number' and size > 0
end

-- count adds one to a number in a job's hash; what some client made unreadable starts anew.
local function count(job, field)
	local value = redis.pcall('HINCRBY', base .. job, field, 1)
	if type(value) ~= 'number' then
		redis.call('HSET', base .. job, field, '1')
		return 1
	end
	return value
end

-- natural reads a number that some client wrote; what is none, or none that Redis can use, is nil.
local function natural(text)
	return text and #text < 16 and string.match(text, '^%d+$') and tonumber(text) or nil
end

local function priorityOf(job)
	local text = redis.call('HGET', base .. job, 'priority') or ''
	return #text < 12 and string.match(text, '^-?%d+$') and tonumber(text) or 0
end

-- delay puts a job where it waits for its time, after those that are due in the same millisecond.
local function delay(job, due)
	local lowest, highest = due * 4096, due * 4096 + 4095
	local last = redis.call('ZREVRANGEBYSCORE', keys.delayed, whole(highest), whole(lowest), 'WITHSCORES', 'LIMIT', 0, 1)
	local score = last[2] and math.min(tonumber(last[2]) + 1, highest) or lowest
	redis.call('ZADD', keys.delayed, whole(score), job)
	event('delayed', 'jobId', job, 'delay', whole(due))
	local first = redis.call('ZRANGE', keys.delayed, 0, 0, 'WITHSCORES')
	redis.call('ZADD', keys.marker, string.format('%.17g', tonumber(first[2]) / 4096), '1')
end

local dropped = {}

local function drop(job)
	dropped[#dropped + 1] = job
end

local function promoteDue()
	local due = redis.call('ZRANGEBYSCORE', keys.delayed, '-inf', whole((tonumber(now) + 1) * 4096 - 1), 'LIMIT', 0, 1000)
	for _, job in ipairs(due) do
		redis.call('ZREM', keys.delayed, job)
		if isJob(job) then
			enqueue(job, priorityOf(job), false)
			event('waiting', 'jobId', job, 'prev', 'delayed')
			redis.call('HSET', base .. job, 'delay', '0')
		else
			drop(job)
		end
	end
end

-- pop moves the next id that is a job to active. What is none leaves the queue; ids that begin with 0: are markers that
-- old versions of BullMQ left behind.
local function pop()
	for _ = 1, 1000 do
		local job = redis.call('LMOVE', keys.wait, keys.active, 'RIGHT', 'LEFT')
		if not job then
			job = redis.call('ZPOPMIN', keys.prioritized)[1]
			if not job then
				redis.call('DEL', keys.pc)
				return nil
			end
			redis.call('LPUSH', keys.active, job)
		end
		local marker = string.sub(job, 1, 2) == '0:'
		if not marker and isJob(job) then
			return job
		end
		redis.call('LPOP', keys.active)
		if not marker then
			drop(job)
		end
	end
	redis.call('ZADD', keys.marker, 0, '0')
	return nil
end

-- taken finds the job that an earlier call with the same token took.
local function taken()
	for _, job in ipairs(redis.call('LRANGE', keys.active, 0, -1)) do
		if redis.call('GET', base .. job .. ':lock') == ARGV[3] then
			return job
		end
	end
end

local function start(job, max, duration)
	if max > 0 and redis.call('HEXISTS', base .. job, 'defa') == 0 and redis.call('INCR', keys.limiter) == 1 then
		redis.call('PEXPIRE', keys.limiter, duration)
	end
	redis.call('SET', base .. job .. ':lock', ARGV[3], 'PX', ARGV[4])
	event('active', 'jobId', job, 'prev', 'waiting')
	redis.call('HSET', base .. job, 'processedOn', now)
	if ARGV[5] ~= '' then
		redis.call('HSET', base .. job, 'pb', ARGV[5])
	end
	count(job, 'ats')
	redis.call('ZADD', keys.marker, 0, '0')
end

-- claim promotes what is due and takes the next job. It returns what became of it: taken, empty, delayed, paused or
-- limited; the job's id and hash; when to come again in ms from now, if that is known; and the ids that were dropped.
local function claim()
	promoteDue()
	if not taking then
		return { 'none', '', {}, '', dropped }
	end
	if again then
		local job = taken()
		if job then
			return { 'taken', job, redis.call('HGETALL', base .. job), '', dropped }
		end
	end
	local limits = redis.call('HMGET', keys.meta, 'max', 'duration')
	local max, duration = tonumber(ARGV[6]), tonumber(ARGV[7])
	if natural(limits[1]) and natural(limits[2]) then
		max, duration = natural(limits[1]), natural(limits[2])
	end
	if max > 0 and (tonumber(redis.call('GET', keys.limiter) or '') or 0) >= max then
		local rest = redis.call('PTTL', keys.limiter)
		if rest > 0 then
			return { 'limited', '', {}, whole(rest), dropped }
		elseif rest == 0 then
			redis.call('DEL', keys.limiter) -- in its last instant, in which the next window may begin
		end
	end
	if paused or (concurrency and redis.call('LLEN', keys.active) >= concurrency) then
		return { 'paused', '', {}, '', dropped }
	end
	local job = pop()
	if job then
		start(job, max, whole(duration))
		return { 'taken', job, redis.call('HGETALL', base .. job), '', dropped }
	end
	local first = redis.call('ZRANGE', keys.delayed, 0, 0, 'WITHSCORES')
	if first[2] then
		return { 'delayed', '', {}, whole(math.max(math.ceil(tonumber(first[2]) / 4096) - tonumber(now), 1)), dropped }
	end
	return { 'empty', '', {}, '', dropped }
end
