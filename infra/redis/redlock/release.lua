-- Give the lock KEYS[1] back, if the holder is ARGV[1]: it may have expired, and be another's by now.
-- Answers how many were given back.
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
