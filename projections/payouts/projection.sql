-- name: versions
-- Where the payouts that a batch touches stand; those without a row are left out.
SELECT payout_id, version FROM read_model.payouts WHERE payout_id = ANY(%(payout_ids)s::text[]);

-- name: save
-- The payouts as they are after the batch.
INSERT INTO read_model.payouts
      (payout_id, amount, currency, status, automatic, failure_code, arrival_date, created_at, updated_at, version, position)
SELECT payout_id, amount, currency, status, automatic, failure_code, arrival_date, created_at, updated_at, version, position
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       payout_id text, amount bigint, currency text, status text, automatic boolean, failure_code text, arrival_date date,
       created_at timestamptz, updated_at timestamptz, version bigint, position bigint)
ON CONFLICT (payout_id) DO UPDATE
   SET amount = EXCLUDED.amount, currency = EXCLUDED.currency, status = EXCLUDED.status, automatic = EXCLUDED.automatic,
       failure_code = EXCLUDED.failure_code, arrival_date = EXCLUDED.arrival_date, created_at = EXCLUDED.created_at,
       updated_at = EXCLUDED.updated_at, version = EXCLUDED.version, position = EXCLUDED.position;
