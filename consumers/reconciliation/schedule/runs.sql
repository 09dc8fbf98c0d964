-- name: add_requested
-- A requested run; a newer one of the same day replaces an older one.
INSERT INTO reconciliation.runs AS r (run_id, number, date, time_zone, report, status)
VALUES (%(run_id)s, %(number)s, %(date)s, %(time_zone)s, %(report)s, 'due')
ON CONFLICT (run_id) DO UPDATE
   SET number = excluded.number, status = 'due', due_at = clock_timestamp(), attempts = 0, last_error = NULL,
       completed_at = NULL, updated_at = clock_timestamp()
 WHERE r.number < excluded.number;

-- name: try_lock
-- One execution of a run at a time in the whole system, until this connection ends.
SELECT pg_try_advisory_lock(hashtextextended('paystream reconciliation ' || %(run_id)s::uuid::text, 0));

-- name: unlock
-- What `try_lock` took.
SELECT pg_advisory_unlock(hashtextextended('paystream reconciliation ' || %(run_id)s::uuid::text, 0));

-- name: next_due
-- The oldest day that is due. A report is run by whoever has the file.
SELECT run_id, number, date, attempts
  FROM reconciliation.runs
 WHERE status = 'due' AND due_at <= clock_timestamp() AND report IS NULL
 ORDER BY date, run_id
 LIMIT 1;

-- name: defer
-- A run failed.
UPDATE reconciliation.runs
   SET attempts = attempts + 1, last_error = %(reason)s, updated_at = clock_timestamp(),
       due_at = clock_timestamp() + %(delay_s)s * interval '1 second',
       status = CASE WHEN %(final)s THEN 'failed' ELSE 'due' END
 WHERE run_id = %(run_id)s AND number = %(number)s AND status = 'due';

-- name: record_end
-- A run has ended, known or not.
INSERT INTO reconciliation.runs AS r (run_id, number, date, time_zone, report, status, completed_at)
VALUES (%(run_id)s, %(number)s, %(date)s, %(time_zone)s, %(report)s, %(status)s,
        CASE WHEN %(status)s = 'completed' THEN clock_timestamp() END)
ON CONFLICT (run_id) DO UPDATE
   SET number = excluded.number, status = excluded.status, completed_at = excluded.completed_at,
       updated_at = clock_timestamp()
 WHERE r.number < excluded.number OR (r.number = excluded.number AND r.status = 'due');

-- name: known_days
-- The days that were requested since one.
SELECT date, status, updated_at
  FROM reconciliation.runs
 WHERE report IS NULL AND time_zone = %(time_zone)s AND date >= %(since)s
 ORDER BY date;

-- name: first_day
-- The first day that was ever requested.
SELECT min(date) FROM reconciliation.runs WHERE report IS NULL AND time_zone = %(time_zone)s;

-- name: last_good_run_age
-- How long ago the newest completed day was completed.
SELECT extract(epoch FROM clock_timestamp() - completed_at)::float8
  FROM reconciliation.runs
 WHERE report IS NULL AND completed_at IS NOT NULL
 ORDER BY date DESC, completed_at DESC
 LIMIT 1;
