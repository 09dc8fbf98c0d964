-- name: rows
-- What the payments that a batch touches are counted as; those that are not counted yet are left out.
SELECT payment_id, merchant_id, quarter, currency, status, refusal_code, amount, version
  FROM read_model.counted_payments
 WHERE payment_id = ANY(%(payment_ids)b::uuid[]);

-- name: keep
-- What they are counted as after the batch.
INSERT INTO read_model.counted_payments AS c
      (payment_id, merchant_id, quarter, currency, status, refusal_code, amount, version)
SELECT payment_id, merchant_id, quarter, currency, status, refusal_code, amount, version
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       payment_id uuid, merchant_id text, quarter timestamptz, currency text, status text, refusal_code text, amount bigint,
       version bigint)
ON CONFLICT (payment_id) DO UPDATE SET status = EXCLUDED.status, refusal_code = EXCLUDED.refusal_code, version = EXCLUDED.version;

-- name: add
-- The totals, last of all and in the order of their keys: these rows are everybody's, and locked from here to the end of the
-- transaction.
INSERT INTO read_model.payment_totals AS t (merchant_id, quarter, currency, status, refusal_code, payments, amount)
SELECT merchant_id, quarter, currency, status, refusal_code, payments, amount
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       merchant_id text, quarter timestamptz, currency text, status text, refusal_code text, payments bigint, amount bigint)
 ORDER BY merchant_id, quarter, currency, status, refusal_code
ON CONFLICT (merchant_id, quarter, currency, status, refusal_code) DO UPDATE
   SET payments = t.payments + EXCLUDED.payments, amount = t.amount + EXCLUDED.amount;

-- name: drop_empty
-- Totals that nothing is left of, among those that changed.
DELETE FROM read_model.payment_totals t
 USING jsonb_to_recordset(%(rows)s::jsonb) AS n(
       merchant_id text, quarter timestamptz, currency text, status text, refusal_code text)
 WHERE (t.merchant_id, t.quarter, t.currency, t.status, t.refusal_code)
     = (n.merchant_id, n.quarter, n.currency, n.status, n.refusal_code)
   AND t.payments = 0 AND t.amount = 0;
