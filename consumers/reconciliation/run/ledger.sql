-- name: log_head
-- The newest position of the log; what is being appended at this moment comes later.
SELECT coalesce(max(position), 0) FROM event_store.events;

-- name: ledger_checkpoints
-- How far the ledger has come in each partition.
SELECT topic, partition, position FROM consumers.consumer_checkpoints WHERE consumer = 'projection:ledger';

-- name: poller_reached
-- Up to when Stripe's rows are read, in Unix seconds; 0 for never.
SELECT coalesce(max(extract(epoch FROM completed_at)), 0)::float8
  FROM consumers.balance_cursors
 WHERE list = 'balance_transactions';

-- name: log_after
-- Events that the ledger is made of, after a position.
SELECT position, stream_id, category
  FROM event_store.events
 WHERE position > %(after)s AND position <= %(head)s AND category = ANY(%(categories)s::text[])
 ORDER BY position
 LIMIT %(limit)s;

-- name: movements_between
-- What moved our account at Stripe between two moments, sorted as Python sorts; but for some categories.
SELECT source_id, category, currency, amount, fee, floor(extract(epoch FROM at))::bigint, payment_id, transaction_id,
       floor(extract(epoch FROM transaction_at))::bigint, presented_amount, presented_currency
  FROM ledger.stripe_movements
 WHERE at >= to_timestamp(%(first)s) AND at < to_timestamp(%(last)s) AND category <> ALL (%(without)s::text[])
 ORDER BY source_id COLLATE "C";

-- name: movements_of_staged
-- What moved it because of the sources of some of Stripe's rows, whenever that was.
SELECT source_id, category, currency, amount, fee, floor(extract(epoch FROM at))::bigint, payment_id, transaction_id,
       floor(extract(epoch FROM transaction_at))::bigint, presented_amount, presented_currency
  FROM ledger.stripe_movements
 WHERE source_id IN (SELECT r.source_id FROM reconciliation.stripe_rows r WHERE r.staging_id = %(staging_id)s)
 ORDER BY source_id COLLATE "C";

-- name: movements_of_sources
-- What moved it because of some sources, whenever that was.
SELECT source_id, category, currency, amount, fee, floor(extract(epoch FROM at))::bigint, payment_id, transaction_id,
       floor(extract(epoch FROM transaction_at))::bigint, presented_amount, presented_currency
  FROM ledger.stripe_movements
 WHERE source_id = ANY(%(source_ids)s::text[]);
