-- Which list ids without a priority join. Needs queue.lua and waiting.lua.

-- While a queue is paused, major 5 keeps the ids in paused, and its resume puts that list in the place of wait; major 6
-- keeps them in wait, and its resume brings back what is in paused. So that nobody's resume loses an id, all join the
-- list that holds some already, else the one of the client that came last. If both hold some, major 5 is about: they
-- join paused, what is in wait behind the others.
if not paused then
	gatherPaused()
elseif redis.call('LLEN', keys.paused) > 0 then
	for _ = 1, redis.call('LLEN', keys.wait) do
		redis.call('LMOVE', keys.wait, keys.paused, 'RIGHT', 'LEFT')
	end
	keys.wait = keys.paused
elseif redis.call('LLEN', keys.wait) == 0 then
	local major = string.match(redis.call('HGET', keys.meta, 'version') or '', '^bullmq:(%d+)')
	if major and tonumber(major) < 6 then
		keys.wait = keys.paused
	end
end
