-- Writes one field of a job that is there, as a client does.
--
-- KEYS  1 the job's hash  2 events  3 meta
-- ARGV  1 job id  2 field: data or progress  3 its value as JSON
-- Out   1 written, -1 there is no such job
-- Events  progress

local keys = { job = KEYS[1], events = KEYS[2], meta = KEYS[3] }

-- include queue

if redis.call('EXISTS', keys.job) == 0 then
	return -1
end
redis.call('HSET', keys.job, ARGV[2], ARGV[3])
if ARGV[2] == 'progress' then
	event('progress', 'jobId', ARGV[1], 'data', ARGV[3])
end
return 1
