-- name: insert_tasks
-- An event asks for one call, however often it is delivered.
INSERT INTO consumers.gateway_tasks
       (event_id, payment_id, merchant_id, operation, position, correlation_id, traceparent)
SELECT * FROM unnest(%(event_ids)s::uuid[], %(payment_ids)s::uuid[], %(merchant_ids)s::text[], %(operations)s::text[],
                     %(positions)s::bigint[], %(correlation_ids)s::text[], %(traceparents)s::text[])
ON CONFLICT (event_id) DO NOTHING;

-- name: claim
-- Lease due tasks: those whose lease ran out too. A task waits for the earlier ones of its payment, so that a payment
-- has one call in flight and its calls keep the order of its events. A row that somebody else is claiming is passed by.
WITH claimable AS (
    SELECT t.event_id
      FROM consumers.gateway_tasks t
     WHERE t.status IN ('due', 'leased', 'unknown')
       AND t.due_at <= clock_timestamp()
       AND NOT EXISTS (SELECT FROM consumers.gateway_tasks earlier
                        WHERE earlier.payment_id = t.payment_id AND earlier.position < t.position
                          AND earlier.status <> 'done')
     ORDER BY t.due_at
     LIMIT %(limit)s
       FOR UPDATE OF t SKIP LOCKED
)
UPDATE consumers.gateway_tasks t
   SET status = 'leased',
       lease_token = gen_random_uuid(),
       due_at = clock_timestamp() + %(lease_ms)s * interval '1 millisecond',
       attempts = t.attempts + 1,
       first_attempt_at = coalesce(t.first_attempt_at, clock_timestamp()),
       last_attempt_at = clock_timestamp()
  FROM claimable c
 WHERE t.event_id = c.event_id
RETURNING t.event_id, t.payment_id, t.merchant_id, t.operation, t.position, t.correlation_id, t.traceparent,
          t.lease_token, t.attempts, t.outcome_unknown,
          extract(epoch FROM t.last_attempt_at - t.first_attempt_at)::float8 AS age_s;

-- name: lock_leased
-- Of these tasks, those whose lease is still ours; nobody can claim them until the transaction ends.
SELECT t.event_id
  FROM consumers.gateway_tasks t
  JOIN unnest(%(event_ids)s::uuid[], %(lease_tokens)s::uuid[]) AS ours(event_id, lease_token)
    ON ours.event_id = t.event_id AND ours.lease_token = t.lease_token
 ORDER BY t.event_id
   FOR UPDATE OF t;

-- name: settle
-- End or reschedule tasks that `lock_leased` gave us.
UPDATE consumers.gateway_tasks t
   SET status = s.status,
       lease_token = NULL,
       due_at = clock_timestamp() + s.delay_s * interval '1 second',
       outcome_unknown = t.outcome_unknown OR s.status = 'unknown',
       last_error = s.error,
       finished_at = CASE WHEN s.status IN ('done', 'dead') THEN clock_timestamp() END
  FROM unnest(%(event_ids)s::uuid[], %(statuses)s::text[], %(delays_s)s::float8[], %(errors)s::text[])
       AS s(event_id, status, delay_s, error)
 WHERE t.event_id = s.event_id;

-- name: count_open
-- How many tasks are not done, by status.
SELECT status, count(*) AS tasks
  FROM consumers.gateway_tasks
 WHERE status <> 'done'
 GROUP BY status;
