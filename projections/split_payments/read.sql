-- name: find
-- One split payment of a merchant.
SELECT split_payment_id, view::text AS view, created_at, updated_at, version, position
  FROM read_model.split_payments
 WHERE split_payment_id = %(split_payment_id)s AND merchant_id = %(merchant_id)s

-- name: history
-- What happened to a split payment, oldest first.
SELECT version, position, type, at, actor, data::text AS data
  FROM read_model.split_payment_events
 WHERE split_payment_id = %(split_payment_id)s
 ORDER BY version

-- name: page
-- A merchant's split payments after a key, newest first. A filter that is NULL is off: the planner sees the values (the
-- statement is never prepared), so that each combination gets the index that suits it.
SELECT split_payment_id, view::text AS view, created_at, updated_at, version, position
  FROM read_model.split_payments
 WHERE merchant_id = %(merchant_id)s
   AND (%(status)s::text IS NULL OR status = %(status)s::text)
   AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s::text)
   AND (%(created_after)s::timestamptz IS NULL OR created_at > %(created_after)s::timestamptz)
   AND (%(created_before)s::timestamptz IS NULL OR created_at < %(created_before)s::timestamptz)
   AND (%(after_id)s::uuid IS NULL
        OR (created_at, split_payment_id) < (%(after_created_at)s::timestamptz, %(after_id)s::uuid))
 ORDER BY created_at DESC, split_payment_id DESC
 LIMIT %(limit)s
