-- Shows the progress of an attempt, if the job is still active in it.
--
-- KEYS  1 the job's hash  2 events  3 meta
-- ARGV  1 job id  2 attempts started, which numbers the attempt  3 progress as JSON
-- Out   1 shown, 0 the job is not active in this attempt
-- Events  progress

local keys = { job = KEYS[1], events = KEYS[2], meta = KEYS[3] }
local now = redis.call('HMGET', keys.job, 'cn:at', 'ats')
if now[1] ~= 'active' or now[2] ~= ARGV[2] then
	return 0
end
-- include queue
redis.call('HSET', keys.job, 'progress', ARGV[3])
event('progress', 'jobId', ARGV[1], 'data', ARGV[3])
return 1
