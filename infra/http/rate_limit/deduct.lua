-- Take ARGV[1] tokens out of the bucket KEYS[1], which fills at ARGV[2] a second; times are microseconds of this server's
-- clock. What is kept is when it is full again. Answers how long that is; it may be longer than the bucket is large, since
-- what is taken here was granted already.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local full_at = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0)) + ARGV[1] * 1000000 / ARGV[2]
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1000)
return math.floor(full_at - now)
