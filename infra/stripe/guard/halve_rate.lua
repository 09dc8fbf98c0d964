-- Stripe said 429: halve the rate of the bucket KEYS[1], once for all calls that were told so at about the same time.
-- ARGV: highest rate (calls/s), lowest rate, how long it is not halved again (microseconds).
-- Answers the rate in calls per 1000 s.
local highest, lowest, apart = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local state = redis.call('HMGET', KEYS[1], 'rate', 'cut_at')
local rate = math.min(highest, tonumber(state[1] or highest))
local cut_at = tonumber(state[2] or -apart)

if cut_at > now or now - cut_at >= apart then
    rate = math.max(lowest, rate / 2)
    redis.call('HSET', KEYS[1], 'rate', string.format('%.6f', rate), 'cut_at', string.format('%.0f', now))
    redis.call('EXPIRE', KEYS[1], 3600)
end
return math.floor(rate * 1000 + 0.5)
