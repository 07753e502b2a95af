-- What a job's end means to jobs of the same deduplication id. Needs queue.lua, waiting.lua, claim.lua and the key id.

-- bounded takes a number from JSON; what is none, or beyond what scores can hold, is 0.
local function bounded(value, limit)
	return type(value) == 'number' and value > -limit and value < limit and math.floor(value) or 0
end

-- addLast adds the job that was refused last while this one was active (keepLastIfActive). What some client wrote is
-- read as far as it can be.
local function addLast(deduplication, remembered)
	local last = {}
	local fields = redis.call('HGETALL', remembered)
	for i = 1, #fields, 2 do
		last[fields[i]] = fields[i + 1]
	end
	redis.call('DEL', remembered)
	local job = last.jid
	if not job or job == '' or redis.call('EXISTS', base .. job) == 1 then
		return
	end
	local read, opts = pcall(cjson.decode, last.opts or '{}')
	if not read or type(opts) ~= 'table' then
		opts = {}
	end
	local wait, priority = bounded(opts.delay, 2 ^ 42), bounded(opts.priority, 2 ^ 21)
	redis.call('INCR', keys.id)
	redis.call('SET', base .. 'de:' .. deduplication, job)
	redis.call('HSET', base .. job, 'name', last.name or '', 'data', last.data or '{}', 'opts', last.opts or '{}',
		'timestamp', now, 'delay', whole(wait), 'priority', whole(priority), 'deid', deduplication)
	for field, short in pairs({ parentKey = 'pk', parent = 'pd', rjk = 'rjk' }) do
		if last[short] then
			redis.call('HSET', base .. job, field, last[short])
		end
	end
	if last.pdk then
		redis.call('SADD', last.pdk, base .. job)
	end
	event('added', 'jobId', job, 'name', last.name or '')
	if wait > 0 then
		delay(job, tonumber(now) + wait)
	else
		enqueue(job, priority, opts.lifo == true)
		event('waiting', 'jobId', job)
	end
end

-- releaseDeduplication frees the deduplication id of a job that has ended, or hands it to the follow-up job.
local function releaseDeduplication(job)
	local deduplication = redis.call('HGET', base .. job, 'deid')
	if not deduplication then
		return
	end
	local owner = base .. 'de:' .. deduplication
	local mine = redis.call('GET', owner) == job
	if mine and redis.call('PTTL', owner) == -1 then
		redis.call('DEL', owner)
	end
	local remembered = base .. 'dn:' .. deduplication
	if mine and redis.call('EXISTS', remembered) == 1 then
		addLast(deduplication, remembered)
	end
end
