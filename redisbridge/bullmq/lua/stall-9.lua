-- Gives jobs back whose worker has died: those that were active at the last check, and have no lock.
--
-- KEYS  1 wait  2 paused  3 active  4 events  5 meta  6 marker  7 stalled  8 the time of the last check
--       9 the schedulers
-- ARGV  1 what the queue's keys begin with  2 now  3 ms until the next check  4 how often a job may stall
-- Out   {'1' = it was time to check, ids given back, ids that are no jobs}
-- Events  waiting, stalled

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], events = KEYS[4], meta = KEYS[5], marker = KEYS[6],
	stalled = KEYS[7],
}
local base, most = ARGV[1], tonumber(ARGV[4])
if not redis.call('SET', KEYS[8], ARGV[2], 'PX', ARGV[3], 'NX') then
	return { '0', {}, {} }
end

-- include queue
-- include waiting
-- include line

local back, dropped = {}, {}
for _, job in ipairs(redis.call('SMEMBERS', keys.stalled)) do
	local key = base .. job
	if redis.call('EXISTS', key .. ':lock') == 0 and redis.call('LREM', keys.active, 1, job) == 1 then
		local size = redis.pcall('HLEN', key)
		if type(size) ~= 'number' or size == 0 then
			dropped[#dropped + 1] = job
		else
			local stalls = redis.pcall('HINCRBY', key, 'stc', 1)
			if type(stalls) ~= 'number' then
				redis.call('HSET', key, 'stc', '1')
				stalls = 1
			end
			local scheduler = redis.call('HGET', key, 'rjk')
			if stalls > most and not (scheduler and redis.call('ZSCORE', KEYS[9], scheduler)) then
				redis.call('HSET', key, 'defa', 'job stalled more than allowable limit')
			end
			redis.call('RPUSH', keys.wait, job)
			wakeWorkers()
			event('waiting', 'jobId', job, 'prev', 'active')
			event('stalled', 'jobId', job)
			back[#back + 1] = job
		end
	end
end
redis.call('DEL', keys.stalled)
local active = redis.call('LRANGE', keys.active, 0, -1)
for i = 1, #active, 5000 do
	redis.call('SADD', keys.stalled, unpack(active, i, math.min(i + 4999, #active)))
end
return { '1', back, dropped }
