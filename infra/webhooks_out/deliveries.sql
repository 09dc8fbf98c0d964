-- name: list_deliveries
-- Deliveries, of the newest events first; null selects any endpoint, merchant or status.
SELECT d.delivery_id, d.endpoint_id, e.merchant_id, d.event_id, d.payment_id, d.event_type, d.position, d.attempts,
       CASE WHEN d.status IN ('waiting', 'due', 'leased') THEN 'pending' ELSE d.status END AS status,
       CASE WHEN d.status = 'due' THEN d.due_at END AS next_attempt_at, d.created_at, d.finished_at
  FROM webhooks_out.deliveries d JOIN webhooks_out.endpoints e USING (endpoint_id)
 WHERE e.deleted_at IS NULL
   AND (%(endpoint_id)s::uuid IS NULL OR d.endpoint_id = %(endpoint_id)s::uuid)
   AND (%(merchant_id)s::text IS NULL OR e.merchant_id = %(merchant_id)s::text)
   AND (%(statuses)s::text[] IS NULL OR d.status = ANY (%(statuses)s::text[]))
   AND (%(before)s::bigint IS NULL OR d.position < %(before)s::bigint)
 ORDER BY d.position DESC, d.delivery_id
 LIMIT %(limit)s;

-- name: list_attempts
-- The attempts of some deliveries, in order.
SELECT delivery_id, at, duration_ms, status, error, answer
  FROM webhooks_out.attempts
 WHERE delivery_id = ANY (%(delivery_ids)s::uuid[])
 ORDER BY delivery_id, attempt_id;

-- name: lock_payments
-- One at a time opens or ends deliveries of a payment to an endpoint: the order among them is decided from what is open.
SELECT pg_advisory_xact_lock(number)
  FROM (SELECT DISTINCT hashtextextended(endpoint_id::text || payment_id::text, 42) AS number
          FROM unnest(%(endpoint_ids)s::uuid[], %(payment_ids)s::uuid[]) AS p(endpoint_id, payment_id)
         ORDER BY number) AS locks;

-- name: find_for_resend
-- A delivery with its payment; null finds that of any merchant.
SELECT d.endpoint_id, d.payment_id, e.enabled
  FROM webhooks_out.deliveries d JOIN webhooks_out.endpoints e USING (endpoint_id)
 WHERE d.delivery_id = %(delivery_id)s AND e.deleted_at IS NULL
   AND (%(endpoint_id)s::uuid IS NULL OR d.endpoint_id = %(endpoint_id)s::uuid)
   AND (%(merchant_id)s::text IS NULL OR e.merchant_id = %(merchant_id)s::text);

-- name: resend
-- Have a delivery made once more, from its first attempt on; one that waits behind another goes on waiting for it. Not one
-- that is being made at this moment.
UPDATE webhooks_out.deliveries
   SET status = CASE WHEN status = 'waiting' THEN 'waiting' ELSE 'due' END, due_at = clock_timestamp(), attempts = 0,
       finished_at = NULL
 WHERE delivery_id = %(delivery_id)s AND status <> 'leased'
RETURNING delivery_id;

-- name: request_replay
-- Ask for all events of a time to be sent to an endpoint once more; no row while a replay of the endpoint is under way.
INSERT INTO webhooks_out.replays (replay_id, endpoint_id, from_at, until_at, actor)
VALUES (%(replay_id)s, %(endpoint_id)s, %(from_at)s, %(until_at)s, %(actor)s)
    ON CONFLICT (endpoint_id) WHERE finished_at IS NULL DO NOTHING
RETURNING replay_id;
