-- Reserve calls in the bucket KEYS[1]. All times are microseconds of this server's clock.
-- ARGV: highest rate (calls/s), lowest rate, how much faster a second of successes makes it (calls/s),
--       successes since the last time, how long no success counts after the rate was halved, the burst, the longest
--       reservation, how many calls at most.
-- Answers {1, wait until the call, rate, wait until the next, ...} or {0, wait until it is worth asking again, rate}; this
-- rate is in calls per 1000 s, since answers are whole numbers.
-- The same arithmetic as token_bucket.py.
local highest, lowest, faster, successes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local hold, burst, longest_wait, calls = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local state = redis.call('HMGET', KEYS[1], 'rate', 'next_at', 'cut_at')
local rate = tonumber(state[1] or highest)
local next_at = tonumber(state[2] or 0)
local cut_at = tonumber(state[3] or -hold)

-- The clock was set back.
if next_at > now + longest_wait + 1000000 / lowest then next_at = now end
if cut_at > now then cut_at = now end

if now - cut_at >= hold then
    rate = rate + faster * math.min(1, successes / rate)
end
rate = math.max(lowest, math.min(highest, rate))

next_at = math.max(next_at, now - burst)
local waits = {}
while #waits < calls and next_at <= now + longest_wait do
    table.insert(waits, math.max(0, next_at - now))
    next_at = next_at + 1000000 / rate
end

redis.call('HSET', KEYS[1], 'rate', string.format('%.6f', rate), 'next_at', string.format('%.0f', next_at),
    'cut_at', string.format('%.0f', cut_at))
redis.call('EXPIRE', KEYS[1], 3600)
rate = math.floor(rate * 1000 + 0.5)
if #waits == 0 then
    return {0, next_at - now - longest_wait, rate}
end
return {1, waits[1], rate, unpack(waits, 2)}
