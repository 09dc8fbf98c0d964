-- name: find_lanes
-- For each scan the merchants of its rank after the one named, in order of their names, and whether a task of theirs is
-- due. Looks at one task for each, whatever lies there.
WITH RECURSIVE lanes(scan, rank, merchant_id, due_at, step) AS (
    SELECT r.scan, r.rank, next.merchant_id, next.due_at, 1
      FROM unnest(%(ranks)s::smallint[], %(after)s::text[]) WITH ORDINALITY AS r(rank, after, scan)
     CROSS JOIN LATERAL (SELECT t.merchant_id, t.due_at
                           FROM consumers.gateway_tasks t
                          WHERE t.status IN ('due', 'leased', 'unknown') AND NOT t.blocked
                            AND consumers.claim_rank(t.operation) = r.rank AND t.merchant_id > r.after
                          ORDER BY t.merchant_id, t.due_at
                          LIMIT 1) AS next
     UNION ALL
    SELECT l.scan, l.rank, next.merchant_id, next.due_at, l.step + 1
      FROM lanes l
     CROSS JOIN LATERAL (SELECT t.merchant_id, t.due_at
                           FROM consumers.gateway_tasks t
                          WHERE t.status IN ('due', 'leased', 'unknown') AND NOT t.blocked
                            AND consumers.claim_rank(t.operation) = l.rank AND t.merchant_id > l.merchant_id
                          ORDER BY t.merchant_id, t.due_at
                          LIMIT 1) AS next
     WHERE l.step < %(steps)s
)
SELECT scan, rank, merchant_id, due_at <= clock_timestamp() AS is_due FROM lanes ORDER BY scan, step;

-- name: lock_due
-- Due tasks of these lanes, those whose lease ran out too, whose payment has none in flight, each with the lock of its
-- payment until the transaction ends. A row or a payment that is locked is skipped. Whether a task may still be
-- leased has to be checked in another statement: this one does not see what was committed since it began. Raises 57PS1
-- while the log is closed, if any is due: what a restored database says of them may be old.
SELECT due.event_id, lane.rank, lane.merchant_id
  FROM (SELECT * FROM unnest(%(ranks)s::smallint[], %(merchant_ids)s::text[], %(quotas)s::integer[])
                 WITH ORDINALITY AS l(rank, merchant_id, quota, number)
         ORDER BY number) AS lane
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
                      LIMIT lane.quota
                        FOR UPDATE OF t SKIP LOCKED) AS due
 WHERE pg_try_advisory_xact_lock(hashtextextended(due.payment_id::text, 0))
 ORDER BY lane.number
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
-- MATERIALIZED: else the index of all that is due, however much is blocked, is read beside that of these.
WITH locked AS MATERIALIZED (
    SELECT event_id, payment_id, operation, position, status, due_at
      FROM consumers.gateway_tasks
     WHERE event_id = ANY(%(event_ids)s)
), claimable AS (
    SELECT DISTINCT ON (t.payment_id) t.event_id
      FROM locked t
     WHERE t.status IN ('due', 'leased', 'unknown')
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
          t.lease_token, t.attempts, t.outcome_unknown, t.requested_by,
          (SELECT extract(epoch FROM clock_timestamp() - max(r.reopened_at))::float8
             FROM event_store.recoveries r WHERE r.positions_from >= t.position) AS reopened_for_s,
          extract(epoch FROM t.last_attempt_at - t.first_attempt_at)::float8 AS age_s;
