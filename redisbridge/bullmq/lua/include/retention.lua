-- Which finished jobs stay. Needs queue.lua and base.

local function deleteJob(job)
	local key = base .. job
	redis.call('DEL', key, key .. ':logs', key .. ':dependencies', key .. ':processed', key .. ':failed', key .. ':unsuccessful')
end

local function deleteAll(set, jobs)
	for _, job in ipairs(jobs) do
		redis.call('ZREM', set, job)
		deleteJob(job)
	end
end

-- retain deletes the finished jobs that are too old or too many, at most so many at a time: by age the newest first, as
-- BullMQ's own workers do, by number the oldest. A negative newest keeps any number, an age of 0 any age.
local function retain(set, newest, age, most)
	if age > 0 then
		deleteAll(set, redis.call('ZREVRANGEBYSCORE', set, whole(tonumber(now) - age), '-inf', 'LIMIT', 0, most))
	end
	local extra = newest >= 0 and redis.call('ZCARD', set) - newest or 0
	if extra > 0 then
		deleteAll(set, redis.call('ZRANGE', set, 0, math.min(extra, 1000) - 1))
	end
end
