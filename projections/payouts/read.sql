-- name: find
-- One payout.
SELECT payout_id, amount, currency, status, automatic, failure_code, arrival_date, created_at, updated_at, version, position
  FROM read_model.payouts
 WHERE payout_id = %(payout_id)s

-- name: page
-- Payouts after a key, newest first. A filter that is NULL is off.
SELECT payout_id, amount, currency, status, automatic, failure_code, arrival_date, created_at, updated_at, version, position
  FROM read_model.payouts
 WHERE (%(status)s::text IS NULL OR status = %(status)s::text)
   AND (%(currency)s::text IS NULL OR currency = %(currency)s::text)
   AND (%(since)s::timestamptz IS NULL OR created_at >= %(since)s::timestamptz)
   AND (%(until)s::timestamptz IS NULL OR created_at < %(until)s::timestamptz)
   AND (%(after_id)s::text IS NULL OR (created_at, payout_id) < (%(after_created_at)s::timestamptz, %(after_id)s::text))
 ORDER BY created_at DESC, payout_id DESC
 LIMIT %(limit)s

-- name: newest_position
-- The highest position that the projection has applied, over all partitions; 0 before the first.
SELECT coalesce(max(position), 0) FROM read_model.projection_checkpoints WHERE projection = 'payouts'

-- name: is_built
-- False: others have taken of its topic and it has not, as it is new and left out until it is built.
SELECT EXISTS (SELECT FROM read_model.projection_checkpoints WHERE projection = 'payouts')
       OR NOT EXISTS (SELECT FROM read_model.projection_checkpoints WHERE topic = 'paystream.stripe-balance')
