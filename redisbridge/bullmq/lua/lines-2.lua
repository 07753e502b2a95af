-- Appends lines to a job's log, each once.
--
-- KEYS  1 the job's hash  2 its log
-- ARGV  1 attempts started, which numbers the attempt  2 how many lines stay unless the job's options say
--       3... for each line its number, higher than those before it, and its text
-- Out   1 they are there, 0 the attempt is not shown yet, or the job is gone
-- Events  none

local hash = redis.call('HMGET', KEYS[1], 'cn:seq', 'ats', 'cn:log', 'opts')
if not hash[1] or tonumber(hash[2] or 0) < tonumber(ARGV[1]) then
	return 0
end
local last = tonumber(hash[3] or 0)
local kept = tonumber(ARGV[2])
local fine, opts = pcall(cjson.decode, hash[4] or '')
if fine and type(opts) == 'table' then
	kept = tonumber(opts.kl) or tonumber(opts.keepLogs) or kept
end
local put = false
for i = 3, #ARGV, 2 do
	if tonumber(ARGV[i]) > last then
		redis.call('RPUSH', KEYS[2], ARGV[i + 1])
		last, put = tonumber(ARGV[i]), ARGV[i]
	end
end
if put then
	redis.call('HSET', KEYS[1], 'cn:log', put)
	redis.call('LTRIM', KEYS[2], string.format('%.0f', -math.max(math.floor(kept), 1)), -1)
end
return 1
