-- Shows the progress of a job that a worker holds.
--
-- KEYS  1 the job's hash  2 its lock  3 events  4 meta
-- ARGV  1 job id  2 token of its lock  3 progress as JSON
-- Out   done, missing, unlocked or stolen
-- Events  progress

local keys = { job = KEYS[1], lock = KEYS[2], events = KEYS[3], meta = KEYS[4] }
local id, token = ARGV[1], ARGV[2]

-- include queue
-- include held

local lost = loss()
if lost then
	return lost
end
redis.call('HSET', keys.job, 'progress', ARGV[3])
event('progress', 'jobId', id, 'data', ARGV[3])
return 'done'
