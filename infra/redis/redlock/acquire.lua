-- Take the lock KEYS[1] for the holder ARGV[1] for ARGV[2] ms, if it is free and this server can be believed.
-- A server that has been up for less than ARGV[3] s may have lost a lock that is still held: it does not vote.
-- Answers 'granted', 'taken' or 'young'.
local least_uptime_s = tonumber(ARGV[3])
if least_uptime_s > 0 then
    local uptime_s = string.match(redis.call('INFO', 'server'), 'uptime_in_seconds:(%d+)')
    if tonumber(uptime_s) < least_uptime_s then
        return 'young'
    end
end
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
    return 'granted'
end
return 'taken'
