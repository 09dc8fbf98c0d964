-- name: read_clock
-- How the sandbox's clock goes.
SELECT real_time, sandbox_time, rate FROM clock;

-- name: set_clock
-- From this real time on it shows this time and goes at this rate.
INSERT INTO clock (only_row, real_time, sandbox_time, rate) VALUES (1, :real_time, :sandbox_time, :rate)
ON CONFLICT (only_row) DO UPDATE SET real_time = excluded.real_time, sandbox_time = excluded.sandbox_time,
    rate = excluded.rate;
