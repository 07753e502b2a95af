-- How many jobs ended in each minute, as BullMQ's clients read it.

-- measure counts one more end; points is how many minutes stay.
local function measure(totals, minutes, points)
	local before = redis.call('HINCRBY', totals, 'count', 1) - 1
	local last = redis.call('HMGET', totals, 'prevTS', 'prevCount')
	local since = tonumber(last[1] or '')
	if not since then
		redis.call('HSET', totals, 'prevTS', now, 'prevCount', '0')
		return
	end
	local passed = math.min(math.floor(tonumber(now) / 60000) - math.floor(since / 60000), points)
	if passed <= 0 then
		return
	end
	redis.call('LPUSH', minutes, string.format('%.0f', before - (tonumber(last[2] or '') or 0)))
	for _ = 2, passed do
		redis.call('LPUSH', minutes, '0')
	end
	redis.call('LTRIM', minutes, 0, points - 1)
	redis.call('HSET', totals, 'prevTS', now, 'prevCount', string.format('%.0f', before))
end
