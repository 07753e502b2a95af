-- Moves delayed jobs whose time has come to where they wait, gathers what clients of major 5 put aside, and puts the list
-- of all ids that wait right when clients added, removed or drained some.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 events  7 meta  8 pc  9 marker  10 waiting
-- ARGV  1 what the queue's keys begin with  2 highest score that is due  3 how many to move at most
-- Out   {jobs moved, due time in ms of the next one or ''}
-- Events  waiting

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5],
	events = KEYS[6], meta = KEYS[7], pc = KEYS[8], marker = KEYS[9], waiting = KEYS[10],
}
local base = ARGV[1]

-- include queue
-- include waiting

-- The ids that wait are in the list, those that it misses join at its left end, where the newest are.
local function repairWaiting()
	local waits, missing, kept = {}, {}, {}
	local plain = redis.call('LRANGE', keys.wait, 0, -1)
	for _, id in ipairs(plain) do
		waits[id] = true
	end
	local turns = {}
	local ranked = redis.call('ZRANGE', keys.prioritized, 0, -1, 'WITHSCORES')
	for i = 1, #ranked, 2 do
		waits[ranked[i]] = true
		turns[#turns + 1] = { ranked[i], tonumber(ranked[i + 1]) % 4294967296 }
	end
	for _, id in ipairs(redis.call('LRANGE', keys.waiting, 0, -1)) do
		if waits[id] then
			kept[#kept + 1] = id
			waits[id] = nil
		end
	end
	for _, id in ipairs(plain) do
		if waits[id] then
			missing[#missing + 1] = id
			waits[id] = nil
		end
	end
	table.sort(turns, function(a, b) return a[2] > b[2] end)
	for _, turn in ipairs(turns) do
		if waits[turn[1]] then
			missing[#missing + 1] = turn[1]
		end
	end
	if #missing == 0 and #kept == redis.call('LLEN', keys.waiting) then
		return
	end
	redis.call('DEL', keys.waiting)
	for _, list in ipairs({ missing, kept }) do
		for i = 1, #list, 1000 do
			redis.call('RPUSH', keys.waiting, unpack(list, i, math.min(i + 999, #list)))
		end
	end
end

-- include line
local promoted = 0
for _, id in ipairs(redis.call('ZRANGEBYSCORE', keys.delayed, '-inf', ARGV[2], 'LIMIT', 0, ARGV[3])) do
	redis.call('ZREM', keys.delayed, id)
	-- An id without a hash is nothing that could run.
	if redis.call('EXISTS', base .. id) == 1 then
		local priority = tonumber(redis.call('HGET', base .. id, 'priority') or '') or 0
		local place = enqueue(id, priority, false)
		event('waiting', 'jobId', id, 'prev', 'delayed')
		redis.call('HSET', base .. id, 'delay', '0', 'cn:at', place)
		promoted = promoted + 1
	end
end
-- In a long list as many here as there, with the same ones at both ends, are taken for right.
local plain, ranked = redis.call('LLEN', keys.wait), redis.call('ZCARD', keys.prioritized)
local all = redis.call('LLEN', keys.waiting)
if all ~= plain + ranked or all <= 200 or (ranked == 0 and all > 0 and
	(redis.call('LINDEX', keys.wait, 0) ~= redis.call('LINDEX', keys.waiting, 0)
	or redis.call('LINDEX', keys.wait, -1) ~= redis.call('LINDEX', keys.waiting, -1))) then
	repairWaiting()
end
local first = redis.call('ZRANGE', keys.delayed, 0, 0, 'WITHSCORES')
return { promoted, first[2] and whole(math.floor(tonumber(first[2]) / 4096)) or '' }
