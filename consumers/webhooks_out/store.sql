-- name: has_endpoints
-- Whether anybody wants webhooks at all.
SELECT EXISTS (SELECT FROM webhooks_out.endpoints WHERE enabled);

-- name: active_endpoints
-- The endpoints that these merchants get their events at, and from when on. This statement sees every endpoint whose
-- creation was answered before an event that it is asked for was recorded.
SELECT merchant_id, endpoint_id, event_types, active_since
  FROM webhooks_out.endpoints
 WHERE merchant_id = ANY (%(merchant_ids)s::text[]) AND enabled;

-- name: add
-- Deliveries of events, each once. The first open one of a payment is due, the others wait for it. Returns those that are
-- new.
INSERT INTO webhooks_out.deliveries (endpoint_id, event_id, payment_id, version, position, event_type, status)
SELECT n.endpoint_id, n.event_id, n.payment_id, n.version, n.position, n.event_type,
       CASE WHEN row_number() OVER (PARTITION BY n.endpoint_id, n.payment_id ORDER BY n.position) > 1
              OR EXISTS (SELECT FROM webhooks_out.deliveries d
                          WHERE d.endpoint_id = n.endpoint_id AND d.payment_id = n.payment_id
                            AND d.position < n.position AND d.status IN ('waiting', 'due', 'leased'))
            THEN 'waiting' ELSE 'due' END
  FROM unnest(%(endpoint_ids)s::uuid[], %(event_ids)s::uuid[], %(payment_ids)s::uuid[], %(versions)s::bigint[],
              %(positions)s::bigint[], %(event_types)s::text[])
       AS n(endpoint_id, event_id, payment_id, version, position, event_type)
 ORDER BY n.position
ON CONFLICT (endpoint_id, event_id) DO NOTHING
RETURNING delivery_id;

-- name: add_again
-- The same for a replay: what has ended begins again.
INSERT INTO webhooks_out.deliveries AS d
       (endpoint_id, event_id, payment_id, version, position, event_type, status)
SELECT n.endpoint_id, n.event_id, n.payment_id, n.version, n.position, n.event_type, 'waiting'
  FROM unnest(%(endpoint_ids)s::uuid[], %(event_ids)s::uuid[], %(payment_ids)s::uuid[], %(versions)s::bigint[],
              %(positions)s::bigint[], %(event_types)s::text[])
       AS n(endpoint_id, event_id, payment_id, version, position, event_type)
 ORDER BY n.position
ON CONFLICT (endpoint_id, event_id) DO UPDATE
   SET status = 'waiting', due_at = clock_timestamp(), attempts = 0, finished_at = NULL
 WHERE d.status IN ('delivered', 'failed')
RETURNING delivery_id;

-- name: promote
-- Of these payments, the first that is open is due, if it was waiting for one that has ended.
UPDATE webhooks_out.deliveries d
   SET status = 'due', due_at = clock_timestamp()
  FROM unnest(%(endpoint_ids)s::uuid[], %(payment_ids)s::uuid[]) AS p(endpoint_id, payment_id)
 CROSS JOIN LATERAL (SELECT o.delivery_id, o.status
                       FROM webhooks_out.deliveries o
                      WHERE o.endpoint_id = p.endpoint_id AND o.payment_id = p.payment_id
                        AND o.status IN ('waiting', 'due', 'leased')
                      ORDER BY o.position
                      LIMIT 1) AS head
 WHERE d.delivery_id = head.delivery_id AND head.status = 'waiting';

-- name: find_lanes
-- The endpoints that something is due for, those that have waited longest first. One look for each that has anything open.
WITH RECURSIVE lanes AS (
    SELECT (SELECT endpoint_id FROM webhooks_out.deliveries
             WHERE status IN ('due', 'leased') ORDER BY endpoint_id LIMIT 1) AS endpoint_id
     UNION ALL
    SELECT (SELECT d.endpoint_id FROM webhooks_out.deliveries d
             WHERE d.status IN ('due', 'leased') AND d.endpoint_id > l.endpoint_id ORDER BY d.endpoint_id LIMIT 1)
      FROM lanes l WHERE l.endpoint_id IS NOT NULL
)
SELECT e.endpoint_id, e.failing_since IS NOT NULL AS is_failing
  FROM lanes l
  JOIN webhooks_out.endpoints e USING (endpoint_id)
 CROSS JOIN LATERAL (SELECT d.due_at FROM webhooks_out.deliveries d
                      WHERE d.endpoint_id = e.endpoint_id AND d.status IN ('due', 'leased')
                      ORDER BY d.due_at LIMIT 1) AS first
 WHERE e.enabled AND first.due_at <= clock_timestamp()
 ORDER BY first.due_at;

-- name: lock_due
-- Due deliveries of these endpoints, those whose lease ran out too, that are the first of their payment, each with the lock
-- of its payment until the transaction ends. What is locked is skipped. Raises 57PS1 while the log is closed.
SELECT due.delivery_id
  FROM unnest(%(endpoint_ids)s::uuid[], %(quotas)s::integer[]) WITH ORDINALITY AS lane(endpoint_id, quota, number)
 CROSS JOIN LATERAL (SELECT d.delivery_id, d.endpoint_id, d.payment_id
                       FROM webhooks_out.deliveries d
                      WHERE d.endpoint_id = lane.endpoint_id AND d.status IN ('due', 'leased')
                        AND d.due_at <= clock_timestamp()
                        AND (SELECT event_store.require_open()) > 0
                        AND NOT EXISTS (SELECT FROM webhooks_out.deliveries o
                                         WHERE o.endpoint_id = d.endpoint_id AND o.payment_id = d.payment_id
                                           AND o.status IN ('waiting', 'due', 'leased') AND o.position < d.position)
                      ORDER BY d.due_at
                      LIMIT lane.quota
                        FOR UPDATE OF d SKIP LOCKED) AS due
 WHERE pg_try_advisory_xact_lock(hashtextextended(due.endpoint_id::text || due.payment_id::text, 42))
 ORDER BY lane.number
 LIMIT %(limit)s;

-- name: lease
-- Lease the deliveries that `lock_due` locked: a later statement, which sees what was committed before they were locked.
UPDATE webhooks_out.deliveries d
   SET status = 'leased', lease_token = gen_random_uuid(), attempts = d.attempts + 1,
       due_at = clock_timestamp() + %(lease_ms)s * interval '1 millisecond'
  FROM webhooks_out.endpoints e
 WHERE d.delivery_id = ANY (%(delivery_ids)s::uuid[]) AND e.endpoint_id = d.endpoint_id AND e.enabled
   AND d.status IN ('due', 'leased') AND d.due_at <= clock_timestamp()
   AND NOT EXISTS (SELECT FROM webhooks_out.deliveries o
                    WHERE o.endpoint_id = d.endpoint_id AND o.payment_id = d.payment_id AND o.delivery_id <> d.delivery_id
                      AND (o.status IN ('waiting', 'due', 'leased') AND o.position < d.position
                           OR o.status = 'leased' AND o.due_at > clock_timestamp()))
RETURNING d.delivery_id, d.endpoint_id, d.event_id, d.payment_id, d.version, d.event_type, d.lease_token, d.attempts,
          e.merchant_id, e.url, e.secret,
          ARRAY(SELECT p.secret FROM webhooks_out.previous_secrets p
                 WHERE p.endpoint_id = e.endpoint_id AND p.signs_until > clock_timestamp()
                 ORDER BY p.signs_until DESC) AS previous_secrets;

-- name: finish
-- End or reschedule a delivery whose lease is ours; no row when it is not any more.
UPDATE webhooks_out.deliveries
   SET status = %(status)s, lease_token = NULL, due_at = clock_timestamp() + %(delay_s)s * interval '1 second',
       finished_at = CASE WHEN %(status)s IN ('delivered', 'failed') THEN clock_timestamp() END
 WHERE delivery_id = %(delivery_id)s AND lease_token = %(lease_token)s
RETURNING delivery_id;

-- name: log_attempt
-- What came of an attempt. Its delivery may be gone, with its endpoint.
INSERT INTO webhooks_out.attempts (delivery_id, duration_ms, status, error, answer)
SELECT delivery_id, %(duration_ms)s, %(status)s, %(error)s, %(answer)s
  FROM webhooks_out.deliveries WHERE delivery_id = %(delivery_id)s;

-- name: has_moved
-- Whether an endpoint has another address than this one by now.
SELECT EXISTS (SELECT FROM webhooks_out.endpoints WHERE endpoint_id = %(endpoint_id)s AND url <> %(url)s);

-- name: endpoint_works
-- It took something. What the address before took says nothing of the one that it has now.
UPDATE webhooks_out.endpoints SET failing_since = NULL, failures = 0
 WHERE endpoint_id = %(endpoint_id)s AND url = %(url)s AND failing_since IS NOT NULL;

-- name: endpoint_fails
-- It took nothing, at the address that it has now; for how long, and how often by now.
UPDATE webhooks_out.endpoints
   SET failing_since = coalesce(failing_since, clock_timestamp()), failures = failures + 1
 WHERE endpoint_id = %(endpoint_id)s AND url = %(url)s AND enabled
RETURNING extract(epoch FROM failing_since)::bigint AS failing_since,
          extract(epoch FROM clock_timestamp() - failing_since)::float8 AS failing_s, failures;

-- name: disable
-- Nothing is sent any more until its merchant enables it; no row when that is so already.
UPDATE webhooks_out.endpoints
   SET enabled = false, disabled_because = %(because)s, updated_at = clock_timestamp()
 WHERE endpoint_id = %(endpoint_id)s AND enabled
RETURNING endpoint_id;

-- name: count_due
-- How many deliveries are open (of so many at most: more are not counted), since when the oldest is due, and how many
-- endpoints are failing, or were disabled.
SELECT (SELECT count(*)
          FROM (SELECT FROM webhooks_out.endpoints e JOIN webhooks_out.deliveries d USING (endpoint_id)
                 WHERE e.enabled AND d.status IN ('waiting', 'due', 'leased')
                 LIMIT %(most)s) AS open) AS pending,
       (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(d.due_at)), 0)::float8
          FROM webhooks_out.endpoints e
         CROSS JOIN LATERAL (SELECT due_at FROM webhooks_out.deliveries d
                              WHERE d.endpoint_id = e.endpoint_id AND d.status IN ('due', 'leased')
                              ORDER BY due_at LIMIT 1) AS d
         WHERE e.enabled AND d.due_at < clock_timestamp()) AS oldest_due_s,
       (SELECT count(*) FROM webhooks_out.endpoints WHERE enabled AND failing_since IS NOT NULL) AS failing,
       (SELECT count(*) FROM webhooks_out.endpoints WHERE disabled_because IS NOT NULL) AS disabled,
       (SELECT count(*) FROM webhooks_out.endpoints WHERE enabled) AS enabled;

-- name: remove_finished
-- Deliveries that ended so long ago; some at a time. How many there were.
DELETE FROM webhooks_out.deliveries
 WHERE delivery_id IN (SELECT delivery_id FROM webhooks_out.deliveries
                        WHERE status IN ('delivered', 'failed')
                          AND finished_at < clock_timestamp() - %(retention_s)s * interval '1 second'
                        ORDER BY finished_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED);

-- name: remove_of_deleted
-- Deliveries of endpoints that were deleted; some at a time.
DELETE FROM webhooks_out.deliveries
 WHERE delivery_id IN (SELECT d.delivery_id FROM webhooks_out.endpoints e
                         JOIN webhooks_out.deliveries d USING (endpoint_id)
                        WHERE e.deleted_at IS NOT NULL
                        LIMIT %(limit)s FOR UPDATE OF d SKIP LOCKED);

-- name: remove_deleted
-- Endpoints that were deleted a while ago and have no deliveries any more.
DELETE FROM webhooks_out.endpoints e
 WHERE e.deleted_at < clock_timestamp() - interval '1 hour'
   AND NOT EXISTS (SELECT FROM webhooks_out.deliveries d WHERE d.endpoint_id = e.endpoint_id);

-- name: remove_ended_secrets
-- Secrets that sign no more.
DELETE FROM webhooks_out.previous_secrets WHERE signs_until < clock_timestamp();

-- name: lock_replay
-- The next replay that nobody works on, locked until the transaction ends.
SELECT r.replay_id, r.endpoint_id, r.from_at, r.until_at, r.done_until, r.up_to, e.merchant_id, e.event_types, e.enabled
  FROM webhooks_out.replays r JOIN webhooks_out.endpoints e USING (endpoint_id)
 WHERE r.finished_at IS NULL
 ORDER BY r.requested_at
 LIMIT 1
   FOR UPDATE OF r SKIP LOCKED;

-- name: move_replay
-- How far it has come; it ends with its last position.
UPDATE webhooks_out.replays
   SET done_until = %(done_until)s, up_to = %(up_to)s, deliveries = deliveries + %(deliveries)s,
       finished_at = CASE WHEN %(is_finished)s THEN clock_timestamp() END
 WHERE replay_id = %(replay_id)s;
