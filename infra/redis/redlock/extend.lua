-- Let the lock KEYS[1] of the holder ARGV[1] last ARGV[2] ms from now.
-- Where it is gone (the server was restarted) it is set again, which is no vote now but one next time.
-- Answers 'granted', 'missing' or 'taken'.
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then
    redis.call('PEXPIRE', KEYS[1], ARGV[2])
    return 'granted'
end
if holder then
    return 'taken'
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'missing'
