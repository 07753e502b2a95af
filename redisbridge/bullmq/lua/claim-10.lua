-- Takes the next job for a worker, if the queue lets it.
--
-- KEYS  1 wait  2 paused  3 active  4 prioritized  5 delayed  6 events  7 meta  8 pc  9 marker  10 limiter
-- ARGV  1 to 8 as include/claim.lua says
-- Out   {what became of it, job id, its hash, ms until it is worth coming again or '', ids that are no jobs}
-- Events  waiting, active

local keys = {
	wait = KEYS[1], paused = KEYS[2], active = KEYS[3], prioritized = KEYS[4], delayed = KEYS[5],
	events = KEYS[6], meta = KEYS[7], pc = KEYS[8], marker = KEYS[9], limiter = KEYS[10],
}
local base, now = ARGV[1], ARGV[2]

-- include queue
-- include waiting
-- include line
-- include claim

return claim()
