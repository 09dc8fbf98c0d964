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
