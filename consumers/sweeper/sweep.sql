-- name: lock_sweep
-- One sweep at a time in the whole system, whoever holds the lock in Redis; until the transaction ends. What a sweep
-- decides on is read by later statements, which see all that the one before committed.
SELECT pg_try_advisory_xact_lock(hashtextextended('paystream sweeper', 0)) AS is_ours;

-- name: take_waiting
-- Payments that have waited long enough, those due longest first. Each is looked at again when it has waited a quarter
-- longer: one that waits for ever costs less and less. One that waits for its customer is looked at when the time has come
-- to give it up, too.
WITH due AS (
    SELECT payment_id
      FROM consumers.waiting_payments
     WHERE look_at <= now() AND since <= now() - %(wait_s)s * interval '1 second'
     ORDER BY look_at
     LIMIT %(limit)s
)
UPDATE consumers.waiting_payments w
   SET look_at = CASE WHEN ends.at > now() THEN least(next.at, ends.at) ELSE next.at END
  FROM due
 CROSS JOIN LATERAL (SELECT payment_id, since, waits_for FROM consumers.waiting_payments
                      WHERE payment_id = due.payment_id) AS waiting
 CROSS JOIN LATERAL (SELECT now() + greatest(%(wait_s)s * interval '1 second', (now() - waiting.since) / 4) AS at) AS next
 CROSS JOIN LATERAL (SELECT CASE WHEN waiting.waits_for = ANY(%(of_customers)s::text[])
                                 THEN waiting.since + %(abandoned_after_s)s::float8 * interval '1 second' END AS at) AS ends
 WHERE w.payment_id = due.payment_id
RETURNING w.payment_id, w.merchant_id, w.waits_for AS reason, coalesce(ends.at <= now(), false) AS is_abandoned;

-- name: find_stuck_tasks
-- Payments with a call whose outcome is unknown, or that no more is made, for so long; but for those that are to be
-- read anyway, or were read in the last quarter of that time.
SELECT DISTINCT ON (t.payment_id) t.payment_id, t.merchant_id,
       CASE t.status WHEN 'dead' THEN 'dead_task' ELSE 'unknown_outcome' END AS reason, false AS is_abandoned
  FROM consumers.gateway_tasks t
 WHERE t.status IN ('unknown', 'dead')
   AND t.operation <> 'refresh_payment'
   AND t.first_attempt_at <= now() - %(wait_s)s * interval '1 second'
   AND NOT EXISTS (SELECT FROM consumers.gateway_tasks r
                    WHERE r.payment_id = t.payment_id AND r.operation = 'refresh_payment'
                      AND (r.finished_at IS NULL
                           OR r.finished_at > now() - greatest(%(wait_s)s * interval '1 second',
                                                               (now() - t.first_attempt_at) / 4)))
 ORDER BY t.payment_id, t.status
 LIMIT %(limit)s;

-- name: count_waiting
-- How many payments wait, for what, and since when the first one does, in seconds.
SELECT waits_for, count(*) AS payments, extract(epoch FROM now() - min(since))::float8 AS longest_s
  FROM consumers.waiting_payments
 WHERE since <= now()
 GROUP BY waits_for;
