-- Writes a queue's settings, as a client does that opens it. The version of a client of major 5 stays: it says where that
-- keeps the jobs of a paused queue.
--
-- KEYS  1 meta
-- ARGV  1 about how many entries the stream keeps  2 the client's version
-- Out   1
-- Events  none

redis.call('HSET', KEYS[1], 'opts.maxLenEvents', ARGV[1])
local major = string.match(redis.call('HGET', KEYS[1], 'version') or '', '^bullmq:(%d+)')
if not major or tonumber(major) >= 6 then
	redis.call('HSET', KEYS[1], 'version', ARGV[2])
end
return 1
