-- name: movements_between
-- Movements of our account at Stripe between two moments, without some categories; sorted as Python sorts.
SELECT source_id, category, currency, amount, fee, floor(extract(epoch FROM at))::bigint, payment_id, transaction_id,
       floor(extract(epoch FROM transaction_at))::bigint, presented_amount, presented_currency
  FROM ledger.stripe_movements
 WHERE at >= to_timestamp(%(first)s) AND at < to_timestamp(%(last)s) AND category <> ALL (%(without)s::text[])
 ORDER BY source_id COLLATE "C";

-- name: movements_of_staged
-- Movements of the sources of staged rows, whatever their time; sorted as Python sorts.
SELECT source_id, category, currency, amount, fee, floor(extract(epoch FROM at))::bigint, payment_id, transaction_id,
       floor(extract(epoch FROM transaction_at))::bigint, presented_amount, presented_currency
  FROM ledger.stripe_movements
 WHERE source_id IN (SELECT r.source_id FROM reconciliation.stripe_rows r WHERE r.staging_id = %(staging_id)s)
 ORDER BY source_id COLLATE "C";

-- name: movements_of_sources
-- Movements of some sources, whatever their time.
SELECT source_id, category, currency, amount, fee, floor(extract(epoch FROM at))::bigint, payment_id, transaction_id,
       floor(extract(epoch FROM transaction_at))::bigint, presented_amount, presented_currency
  FROM ledger.stripe_movements
 WHERE source_id = ANY(%(source_ids)s::text[]);
