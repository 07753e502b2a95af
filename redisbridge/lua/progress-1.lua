-- Shows a run's progress: sets the key, and tells the channel of the same name if the record is a new one.
--
-- KEYS[1] progress:<test run id>
-- ARGV[1] the record, JSON
-- ARGV[2] seconds until it expires
-- Returns 1 if the record is new, 0 if it was there.
if redis.call("GET", KEYS[1]) == ARGV[1] then
  redis.call("EXPIRE", KEYS[1], ARGV[2])
  return 0
end
redis.call("SET", KEYS[1], ARGV[1], "EX", ARGV[2])
redis.call("PUBLISH", KEYS[1], ARGV[1])
return 1
