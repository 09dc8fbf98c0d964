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
