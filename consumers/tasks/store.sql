-- name: insert_tasks
-- An event asks for one call, however often it is delivered.
INSERT INTO consumers.gateway_tasks
       (event_id, payment_id, merchant_id, operation, position, correlation_id, traceparent)
SELECT * FROM unnest(%(event_ids)s::uuid[], %(payment_ids)s::uuid[], %(merchant_ids)s::text[], %(operations)s::text[],
                     %(positions)s::bigint[], %(correlation_ids)s::text[], %(traceparents)s::text[])
ON CONFLICT (event_id) DO NOTHING;

-- name: request_refreshes
-- A payment has one row for all its refreshes. A higher position tells the one that is reading it that it must be read
-- once more. One that a reconciliation asked for, and that waits, stays its own: what it finds was lost on every other way.
INSERT INTO consumers.gateway_tasks AS t
       (event_id, payment_id, merchant_id, operation, position, correlation_id, traceparent, requested_by, due_at)
SELECT event_id, payment_id, merchant_id, 'refresh_payment', position, correlation_id, traceparent, requested_by,
       clock_timestamp() + %(delay_s)s * interval '1 second'
  FROM unnest(%(event_ids)s::uuid[], %(payment_ids)s::uuid[], %(merchant_ids)s::text[], %(positions)s::bigint[],
              %(correlation_ids)s::text[], %(traceparents)s::text[], %(requested_by)s::text[])
       AS requested(event_id, payment_id, merchant_id, position, correlation_id, traceparent, requested_by)
 ORDER BY event_id
ON CONFLICT (event_id) DO UPDATE
   SET position = greatest(t.position + 1, excluded.position),
       correlation_id = CASE WHEN t.status = 'due' AND t.requested_by IS NOT NULL
                             THEN t.correlation_id ELSE excluded.correlation_id END,
       requested_by = CASE WHEN t.status = 'due' AND t.requested_by IS NOT NULL THEN t.requested_by ELSE excluded.requested_by END,
       traceparent = excluded.traceparent,
       status = CASE t.status WHEN 'leased' THEN 'leased' ELSE 'due' END,
       due_at = CASE WHEN t.status IN ('done', 'dead') THEN excluded.due_at
                     WHEN t.status = 'leased' THEN t.due_at
                     ELSE least(t.due_at, excluded.due_at) END,
       attempts = CASE WHEN t.status IN ('done', 'dead') THEN 0 ELSE t.attempts END,
       first_attempt_at = CASE WHEN t.status NOT IN ('done', 'dead') THEN t.first_attempt_at END,
       finished_at = NULL;

-- name: lock_leased
-- Of these tasks, those whose lease is still ours; nobody can claim them until the transaction ends.
SELECT t.event_id
  FROM consumers.gateway_tasks t
  JOIN unnest(%(event_ids)s::uuid[], %(lease_tokens)s::uuid[]) AS ours(event_id, lease_token)
    ON ours.event_id = t.event_id AND ours.lease_token = t.lease_token
 ORDER BY t.event_id
   FOR UPDATE OF t;

-- name: write_results
-- End or reschedule tasks that `lock_leased` gave us. A refresh that was asked for again meanwhile is due again.
UPDATE consumers.gateway_tasks t
   SET status = s.status,
       lease_token = NULL,
       due_at = clock_timestamp() + s.delay_s * interval '1 second',
       attempts = CASE WHEN s.deferred THEN t.attempts - 1 WHEN s.again THEN 0 ELSE t.attempts END,
       first_attempt_at = CASE WHEN NOT s.again AND NOT (s.deferred AND t.attempts = 1) THEN t.first_attempt_at END,
       outcome_unknown = t.outcome_unknown OR s.status = 'unknown',
       last_error = s.error,
       finished_at = CASE WHEN s.status IN ('done', 'dead') THEN clock_timestamp() END
  FROM (SELECT e.event_id, e.delay_s, e.error, e.deferred, again,
               CASE WHEN again THEN 'due' ELSE e.status END AS status
          FROM unnest(%(event_ids)s::uuid[], %(positions)s::bigint[], %(statuses)s::text[], %(delays_s)s::float8[],
                      %(errors)s::text[], %(deferred)s::bool[])
               AS e(event_id, position, status, delay_s, error, deferred)
          JOIN consumers.gateway_tasks before USING (event_id)
         CROSS JOIN LATERAL (SELECT before.position > e.position AND e.status IN ('done', 'dead') AS again) AS requested
       ) AS s
 WHERE t.event_id = s.event_id;

-- name: find_stuck
-- The tasks of these payments that were tried and wait: for another attempt, a look-up or a person.
SELECT event_id, payment_id
  FROM consumers.gateway_tasks
 WHERE payment_id = ANY(%(payment_ids)s) AND operation <> 'refresh_payment'
   AND (status = 'dead' OR (status IN ('due', 'unknown') AND attempts > 0 AND due_at > clock_timestamp()));

-- name: make_due
-- Have tasks that wait, and dead ones, claimed now. One whose outcome is unknown is not sent again.
UPDATE consumers.gateway_tasks
   SET status = CASE WHEN outcome_unknown THEN 'unknown' ELSE 'due' END, due_at = clock_timestamp(), finished_at = NULL
 WHERE event_id = ANY(%(event_ids)s) AND status IN ('dead', 'due', 'unknown');

-- name: count_open
-- How many tasks are not done, by status, and since when the first of them is wanted: of calls that no earlier one holds up.
SELECT status, count(*) AS tasks,
       coalesce(extract(epoch FROM clock_timestamp() - min(created_at)
                                   FILTER (WHERE operation <> 'refresh_payment' AND NOT blocked)), 0)::float8 AS longest_s
  FROM consumers.gateway_tasks
 WHERE status <> 'done'
 GROUP BY status;
