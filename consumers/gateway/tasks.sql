-- name: insert_tasks
-- An event asks for one call, however often it is delivered.
INSERT INTO consumers.gateway_tasks
       (event_id, payment_id, merchant_id, operation, position, correlation_id, traceparent)
SELECT * FROM unnest(%(event_ids)s::uuid[], %(payment_ids)s::uuid[], %(merchant_ids)s::text[], %(operations)s::text[],
                     %(positions)s::bigint[], %(correlation_ids)s::text[], %(traceparents)s::text[])
ON CONFLICT (event_id) DO NOTHING;

-- name: ask_for_refreshes
-- A payment has one row for all its refreshes. A higher position tells the one that is reading it that it must be read
-- once more. One that a reconciliation asked for, and that waits, stays its own: what it finds was lost on every other way.
INSERT INTO consumers.gateway_tasks AS t
       (event_id, payment_id, merchant_id, operation, position, correlation_id, traceparent, asked_by, due_at)
SELECT event_id, payment_id, merchant_id, 'refresh_payment', position, correlation_id, traceparent, asked_by,
       clock_timestamp() + %(delay_s)s * interval '1 second'
  FROM unnest(%(event_ids)s::uuid[], %(payment_ids)s::uuid[], %(merchant_ids)s::text[], %(positions)s::bigint[],
              %(correlation_ids)s::text[], %(traceparents)s::text[], %(asked_by)s::text[])
       AS asked(event_id, payment_id, merchant_id, position, correlation_id, traceparent, asked_by)
 ORDER BY event_id
ON CONFLICT (event_id) DO UPDATE
   SET position = greatest(t.position + 1, excluded.position),
       correlation_id = CASE WHEN t.status = 'due' AND t.asked_by IS NOT NULL
                             THEN t.correlation_id ELSE excluded.correlation_id END,
       asked_by = CASE WHEN t.status = 'due' AND t.asked_by IS NOT NULL THEN t.asked_by ELSE excluded.asked_by END,
       traceparent = excluded.traceparent,
       status = CASE t.status WHEN 'leased' THEN 'leased' ELSE 'due' END,
       due_at = CASE WHEN t.status IN ('done', 'dead') THEN excluded.due_at
                     WHEN t.status = 'leased' THEN t.due_at
                     ELSE least(t.due_at, excluded.due_at) END,
       attempts = CASE WHEN t.status IN ('done', 'dead') THEN 0 ELSE t.attempts END,
       first_attempt_at = CASE WHEN t.status NOT IN ('done', 'dead') THEN t.first_attempt_at END,
       finished_at = NULL;

-- name: find_lanes
-- For each walk the merchants of its rank after the one named, in order of their names, and whether a task of theirs is
-- due. Looks at one task for each, whatever lies there.
WITH RECURSIVE lanes(walk, rank, merchant_id, due_at, step) AS (
    SELECT r.walk, r.rank, next.merchant_id, next.due_at, 1
      FROM unnest(%(ranks)s::smallint[], %(after)s::text[]) WITH ORDINALITY AS r(rank, after, walk)
     CROSS JOIN LATERAL (SELECT t.merchant_id, t.due_at
                           FROM consumers.gateway_tasks t
                          WHERE t.status IN ('due', 'leased', 'unknown') AND NOT t.blocked
                            AND consumers.claim_rank(t.operation) = r.rank AND t.merchant_id > r.after
                          ORDER BY t.merchant_id, t.due_at
                          LIMIT 1) AS next
     UNION ALL
    SELECT l.walk, l.rank, next.merchant_id, next.due_at, l.step + 1
      FROM lanes l
     CROSS JOIN LATERAL (SELECT t.merchant_id, t.due_at
                           FROM consumers.gateway_tasks t
                          WHERE t.status IN ('due', 'leased', 'unknown') AND NOT t.blocked
                            AND consumers.claim_rank(t.operation) = l.rank AND t.merchant_id > l.merchant_id
                          ORDER BY t.merchant_id, t.due_at
                          LIMIT 1) AS next
     WHERE l.step < %(steps)s
)
SELECT walk, rank, merchant_id, due_at <= clock_timestamp() AS is_due FROM lanes ORDER BY walk, step;

-- name: lock_due
-- Due tasks of these lanes, those whose lease ran out too, whose payment has none in flight, each with the lock of its
-- payment until the transaction ends. Whoever finds a row or a payment locked passes it by. Whether a task may still be
-- leased is to be asked again in another statement: this one does not see what was committed since it began. Raises 57PS1
-- while the log is closed, if any is due: what a restored database says of them may be old.
SELECT due.event_id, lane.rank, lane.merchant_id
  FROM (SELECT * FROM unnest(%(ranks)s::smallint[], %(merchant_ids)s::text[], %(places)s::integer[])
                 WITH ORDINALITY AS l(rank, merchant_id, places, turn)
         ORDER BY turn) AS lane
 CROSS JOIN LATERAL (SELECT t.event_id, t.payment_id
                       FROM consumers.gateway_tasks t
                      WHERE t.status IN ('due', 'leased', 'unknown') AND NOT t.blocked
                        AND consumers.claim_rank(t.operation) = lane.rank AND t.merchant_id = lane.merchant_id
                        AND t.operation = ANY(%(operations)s) AND t.payment_id <> ALL(%(taken)s)
                        AND t.due_at <= clock_timestamp()
                        AND (SELECT event_store.require_open()) > 0
                        AND NOT EXISTS (SELECT FROM consumers.gateway_tasks other
                                         WHERE other.payment_id = t.payment_id AND other.event_id <> t.event_id
                                           AND other.status = 'leased' AND other.due_at > clock_timestamp())
                      ORDER BY t.due_at
                      LIMIT lane.places
                        FOR UPDATE OF t SKIP LOCKED) AS due
 WHERE pg_try_advisory_xact_lock(hashtextextended(due.payment_id::text, 0))
 ORDER BY lane.turn
 LIMIT %(limit)s;

-- name: block
-- Of the tasks that `lock_due` locked, those behind an earlier one of their payment, and some of those behind them: none is
-- looked at again until the one before it is done, which the trigger on the table sees. Returns how many.
WITH behind AS (
    SELECT t.payment_id, min(t.position) AS position
      FROM consumers.gateway_tasks t
     WHERE t.event_id = ANY(%(event_ids)s)
       AND t.operation <> 'refresh_payment'
       AND EXISTS (SELECT FROM consumers.gateway_tasks other
                    WHERE other.payment_id = t.payment_id AND other.position < t.position
                      AND other.status <> 'done' AND other.operation <> 'refresh_payment')
     GROUP BY t.payment_id
), blocked AS (
    SELECT t.event_id
      FROM behind b
     CROSS JOIN LATERAL (SELECT w.event_id
                           FROM consumers.gateway_tasks w
                          WHERE w.payment_id = b.payment_id AND w.position >= b.position
                            AND w.operation <> 'refresh_payment' AND NOT w.blocked
                            AND (w.status IN ('due', 'unknown')
                                 OR (w.status = 'leased' AND w.due_at <= clock_timestamp()))
                          ORDER BY w.position
                          LIMIT 100
                            FOR UPDATE OF w SKIP LOCKED) AS t
)
UPDATE consumers.gateway_tasks t SET blocked = true FROM blocked b WHERE t.event_id = b.event_id RETURNING t.event_id;

-- name: lease
-- Lease the tasks that `lock_due` locked. A payment has one task in flight, and its calls keep the order of its events.
-- A refresh, which only reads, waits for no more than the task in flight, and nothing but itself waits for it to succeed.
WITH claimable AS (
    SELECT DISTINCT ON (t.payment_id) t.event_id
      FROM consumers.gateway_tasks t
     WHERE t.event_id = ANY(%(event_ids)s)
       AND t.status IN ('due', 'leased', 'unknown')
       AND t.due_at <= clock_timestamp()
       AND NOT EXISTS (SELECT FROM consumers.gateway_tasks other
                        WHERE other.payment_id = t.payment_id AND other.event_id <> t.event_id
                          AND other.status = 'leased' AND other.due_at > clock_timestamp())
       AND (t.operation = 'refresh_payment'
            OR NOT EXISTS (SELECT FROM consumers.gateway_tasks other
                            WHERE other.payment_id = t.payment_id AND other.position < t.position
                              AND other.status <> 'done' AND other.operation <> 'refresh_payment'))
     ORDER BY t.payment_id, t.operation = 'refresh_payment', t.position
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
          t.lease_token, t.attempts, t.outcome_unknown, t.asked_by,
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
-- End or reschedule tasks that `lock_leased` gave us. A refresh that was asked for again meanwhile is due again.
UPDATE consumers.gateway_tasks t
   SET status = s.status,
       lease_token = NULL,
       due_at = clock_timestamp() + s.delay_s * interval '1 second',
       attempts = CASE WHEN s.unsent THEN t.attempts - 1 WHEN s.again THEN 0 ELSE t.attempts END,
       first_attempt_at = CASE WHEN NOT s.again AND NOT (s.unsent AND t.attempts = 1) THEN t.first_attempt_at END,
       outcome_unknown = t.outcome_unknown OR s.status = 'unknown',
       last_error = s.error,
       finished_at = CASE WHEN s.status IN ('done', 'dead') THEN clock_timestamp() END
  FROM (SELECT e.event_id, e.delay_s, e.error, e.unsent, again,
               CASE WHEN again THEN 'due' ELSE e.status END AS status
          FROM unnest(%(event_ids)s::uuid[], %(positions)s::bigint[], %(statuses)s::text[], %(delays_s)s::float8[],
                      %(errors)s::text[], %(unsent)s::bool[])
               AS e(event_id, position, status, delay_s, error, unsent)
          JOIN consumers.gateway_tasks before USING (event_id)
         CROSS JOIN LATERAL (SELECT before.position > e.position AND e.status IN ('done', 'dead') AS again) AS asked
       ) AS s
 WHERE t.event_id = s.event_id;

-- name: find_stuck
-- The tasks of these payments that were tried and wait: for another attempt, a look-up or a person.
SELECT event_id, payment_id
  FROM consumers.gateway_tasks
 WHERE payment_id = ANY(%(payment_ids)s) AND operation <> 'refresh_payment'
   AND (status = 'dead' OR (status IN ('due', 'unknown') AND attempts > 0 AND due_at > clock_timestamp()));

-- name: hasten
-- Have tasks that wait, and dead ones, claimed at once. One whose outcome is unknown is not sent again.
UPDATE consumers.gateway_tasks
   SET status = CASE WHEN outcome_unknown THEN 'unknown' ELSE 'due' END, due_at = clock_timestamp(), finished_at = NULL
 WHERE event_id = ANY(%(event_ids)s) AND status IN ('dead', 'due', 'unknown');

-- name: count_open
-- How many tasks are not done, by status.
SELECT status, count(*) AS tasks
  FROM consumers.gateway_tasks
 WHERE status <> 'done'
 GROUP BY status;
