-- Moves the mark on that says how far the changes of the queue are shown, if those before it are.
--
-- KEYS  1 the position
-- ARGV  1 the position that must have been reached  2 the new one
-- Out   1 it is reached, 0 Redis lost changes before it
-- Events  none

local have = tonumber(redis.call('GET', KEYS[1]) or '') or 0
if have < tonumber(ARGV[1]) then
	return 0
end
if have < tonumber(ARGV[2]) then
	redis.call('SET', KEYS[1], ARGV[2])
end
return 1
