-- Where ids wait. Needs queue.lua.

-- Clients of major 5 rename wait to paused and add there while the queue is paused; major 6 doesn't look there.
-- All ids wait in one list, so that neither side's resume can overwrite the other's: what is in paused joins the left
-- end of wait. The shorter of the two lists is the one that moves.
local function gatherPaused()
	local put = redis.call('LLEN', keys.paused)
	if put == 0 then
		return
	end
	local have = redis.call('LLEN', keys.wait)
	if have <= put then
		for _ = 1, have do
			redis.call('LMOVE', keys.wait, keys.paused, 'LEFT', 'RIGHT')
		end
		redis.call('RENAME', keys.paused, keys.wait)
	else
		for _ = 1, put do
			redis.call('LMOVE', keys.paused, keys.wait, 'RIGHT', 'LEFT')
		end
	end
end

-- wake tells workers that block on the marker that there is something to fetch. Once in a command is enough.
local woken = false
local function wake()
	if not woken then
		woken = true
		redis.call('ZADD', keys.marker, 0, '0')
	end
end

-- wakeWorkers wakes them unless they may not fetch.
local function wakeWorkers()
	if not woken and not paused and not (concurrency and redis.call('LLEN', keys.active) >= concurrency) then
		wake()
	end
end

-- enqueue puts a job where it waits and returns the name of that collection. front: it runs before those that wait.
local function enqueue(job, priority, front)
	local place = 'wait'
	if priority ~= 0 then
		place = 'prioritized'
		local turn = redis.call('INCR', keys.pc)
		redis.call('ZADD', keys.prioritized, whole(priority * 4294967296 + turn % 4294967296), job)
	else
		redis.call(front and 'RPUSH' or 'LPUSH', keys.wait, job)
	end
	if keys.waiting then
		redis.call(front and 'RPUSH' or 'LPUSH', keys.waiting, job)
	end
	wakeWorkers()
	return place
end
