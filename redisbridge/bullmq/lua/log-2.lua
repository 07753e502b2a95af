-- Adds a line to a job's log.
--
-- KEYS  1 the job's hash  2 its log
-- ARGV  1 the line  2 how many of the newest lines stay, -1 = all
-- Out   how many lines there are, -1 = there is no such job
-- Events  none

if redis.call('EXISTS', KEYS[1]) == 0 then
	return -1
end
local lines = redis.call('RPUSH', KEYS[2], ARGV[1])
local newest = tonumber(ARGV[2])
if newest < 0 then
	return lines
end
if newest == 0 then
	redis.call('DEL', KEYS[2])
else
	redis.call('LTRIM', KEYS[2], -newest, -1)
end
return math.min(lines, newest)
