-- Holds on to jobs that a worker runs.
--
-- KEYS  1 the ids that may have stalled
-- ARGV  1 what the queue's keys begin with  2 life of the locks in ms; then id and token, again and again
-- Out   the ids whose lock is gone or somebody else's
-- Events  none

local lost = {}
for i = 3, #ARGV, 2 do
	local lock = ARGV[1] .. ARGV[i] .. ':lock'
	if redis.call('GET', lock) == ARGV[i + 1] then
		redis.call('PEXPIRE', lock, ARGV[2])
		redis.call('SREM', KEYS[1], ARGV[i])
	else
		lost[#lost + 1] = ARGV[i]
	end
end
return lost
