-- Counts of jobs that ended, per minute. Needs queue.lua. Many ends in one minute cost what one does.

local measured = {}

-- record writes down the ends that one kind of jobs had in one minute.
local function record(of, kept)
	local count = measured[of]
	if not count then
		return
	end
	measured[of] = nil
	local had = redis.call('HMGET', of.counts, 'count', 'prevTS', 'prevCount')
	local before = tonumber(had[1] or 0)
	local fields = { 'count', whole(before + count.ends) }
	if not had[2] then
		fields = { 'count', fields[2], 'prevTS', whole(count.first), 'prevCount', '0' }
	else
		local minutes = math.min(math.floor(count.first / 60000) - math.floor(tonumber(had[2]) / 60000), kept)
		if minutes > 0 then
			redis.call('LPUSH', of.data, whole(before - tonumber(had[3] or 0)))
			for _ = 2, minutes do
				redis.call('LPUSH', of.data, '0')
			end
			redis.call('LTRIM', of.data, 0, kept - 1)
			fields = { 'count', fields[2], 'prevTS', whole(count.first), 'prevCount', whole(before) }
		end
	end
	redis.call('HSET', of.counts, unpack(fields))
end

-- measure counts one end. of: {counts, data}, the keys of its kind. at: when it was, in ms.
local function measure(of, at)
	local count = measured[of]
	if count and math.floor(count.first / 60000) ~= math.floor(at / 60000) then
		record(of, metricsKept)
		count = nil
	end
	if count then
		count.ends = count.ends + 1
	else
		measured[of] = { first = at, ends = 1 }
	end
end
