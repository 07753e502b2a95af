-- What every command needs to know of the queue. The including command has defined the table keys: the key of each
-- collection by its name, and those of events, meta, pc, marker and waiting, as far as it uses them.

local settings = redis.call('HMGET', keys.meta, 'paused', 'concurrency', 'opts.maxLenEvents')
local paused, concurrency, maxLen = settings[1], tonumber(settings[2] or ''), settings[3]
if maxLen and not string.match(maxLen, '^%d+$') then
	maxLen = '10000' -- what else a client wrote would stop every script
end

local function limitStream()
	if not maxLen then
		maxLen = '10000'
		redis.call('HSET', keys.meta, 'opts.maxLenEvents', maxLen)
	end
	return maxLen
end

-- event appends one entry to the stream: its name, then field, value, field, value...
local function event(name, ...)
	redis.call('XADD', keys.events, 'MAXLEN', '~', limitStream(), '*', 'event', name, ...)
end

-- trim is for commands that append many entries without event: once, when all are there.
local function trim()
	redis.call('XTRIM', keys.events, 'MAXLEN', '~', limitStream())
end

-- whole writes a number that Lua would show in scientific notation as plain decimal digits.
local function whole(number)
	return string.format('%.0f', number)
end
