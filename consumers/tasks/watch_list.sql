-- name: add_to_watch_list
-- Payments that wait for something at Stripe. One that waits for the same as before has done so since then.
INSERT INTO consumers.waiting_payments AS w (payment_id, merchant_id, waits_for, since, look_at)
SELECT payment_id, merchant_id, waits_for, start, start
  FROM unnest(%(payment_ids)s::uuid[], %(merchant_ids)s::text[], %(waits_for)s::text[], %(since)s::float8[])
       AS n(payment_id, merchant_id, waits_for, since)
 CROSS JOIN LATERAL (SELECT coalesce(to_timestamp(n.since), clock_timestamp()) AS start) AS moment
ON CONFLICT (payment_id) DO UPDATE
   SET waits_for = excluded.waits_for, since = excluded.since, look_at = excluded.look_at
 WHERE w.waits_for <> excluded.waits_for;

-- name: remove_from_watch_list
-- Payments that wait no more.
DELETE FROM consumers.waiting_payments WHERE payment_id = ANY(%(payment_ids)s);
