-- What every command needs to know of the queue. The including command has defined the locals
-- keys (name -> key of each collection and of events, meta, pc, marker, waiting) and id or none.

local settings = redis.call('HMGET', keys.meta, 'paused', 'concurrency', 'opts.maxLenEvents')
local paused, concurrency, maxLen = settings[1], tonumber(settings[2] or ''), settings[3]
if not maxLen then
	maxLen = '10000'
	redis.call('HSET', keys.meta, 'opts.maxLenEvents', maxLen)
end

-- event appends one entry to the stream: its name, then field, value, field, value...
local function event(name, ...)
	redis.call('XADD', keys.events, 'MAXLEN', '~', maxLen, '*', 'event', name, ...)
end

-- whole writes a number that Lua would show in scientific notation as plain decimal digits.
local function whole(number)
	return string.format('%.0f', number)
end
