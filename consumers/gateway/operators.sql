-- name: list_tasks
-- Tasks of these statuses, the oldest first, and how many there are.
SELECT event_id, payment_id, operation, status, attempts, created_at, due_at, last_error, count(*) OVER () AS found
  FROM consumers.gateway_tasks
 WHERE status = ANY(%(statuses)s)
   AND (%(payment_id)s::uuid IS NULL OR payment_id = %(payment_id)s)
 ORDER BY created_at, event_id
 LIMIT %(limit)s;

-- name: find_task
-- One task.
SELECT event_id, payment_id, operation, status, attempts, created_at, due_at, last_error, 1 AS found
  FROM consumers.gateway_tasks
 WHERE event_id = %(event_id)s;

-- name: lock_task
-- One task, which nobody can claim or end until the transaction ends.
SELECT event_id, payment_id, merchant_id, operation, status, attempts, correlation_id, traceparent, outcome_unknown,
       status = 'leased' AND due_at > clock_timestamp() AS in_flight,
       EXISTS (SELECT FROM event_store.recoveries r WHERE r.positions_from >= t.position) AS recovered_since,
       extract(epoch FROM clock_timestamp() - least(
           first_attempt_at,
           (SELECT recorded_at FROM event_store.events e WHERE e.stream_id = t.payment_id AND e.event_id = t.event_id),
           clock_timestamp()
       ))::float8 AS age_s
  FROM consumers.gateway_tasks t
 WHERE event_id = %(event_id)s
   FOR UPDATE OF t;

-- name: make_due
-- Have a task claimed at once; one whose outcome is unknown is looked up.
UPDATE consumers.gateway_tasks
   SET status = CASE WHEN outcome_unknown OR %(look_up)s THEN 'unknown' ELSE 'due' END,
       outcome_unknown = outcome_unknown OR %(look_up)s,
       lease_token = NULL, due_at = clock_timestamp(), finished_at = NULL
 WHERE event_id = %(event_id)s;

-- name: end_task
-- End a task that was given up.
UPDATE consumers.gateway_tasks
   SET status = 'done', lease_token = NULL, finished_at = clock_timestamp(), last_error = %(said)s
 WHERE event_id = %(event_id)s;
