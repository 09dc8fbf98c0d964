-- name: begin
-- An execution begins: when, by the database's clock.
INSERT INTO reconciliation.stagings (staging_id, run_id) VALUES (%(staging_id)s, %(run_id)s) RETURNING begun_at;

-- name: copy_rows
-- Stripe's rows, as many at once as there are.
COPY reconciliation.stripe_rows
     (staging_id, source_id, category, transaction_id, amount, fee, currency, created, exchange_rate)
FROM STDIN;

-- name: touch
-- How many rows are written, in the transaction that writes them.
UPDATE reconciliation.stagings SET rows = rows + %(rows)s, touched_at = clock_timestamp() WHERE staging_id = %(staging_id)s;

-- name: count_rows
-- How many there are.
SELECT count(*) FROM reconciliation.stripe_rows WHERE staging_id = %(staging_id)s;

-- name: one_snapshot
-- Both sides are read as of one moment.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;

-- name: may_pause
-- Between two fetches other transactions are written, which may take a while on a busy machine.
SET LOCAL idle_in_transaction_session_timeout = '60s';

-- name: read_all
-- The cursors are read to their end.
SET LOCAL cursor_tuple_fraction = 1.0;

-- name: sorted_rows
-- All of them, sorted as Python sorts.
SELECT source_id, category, transaction_id, amount, fee, currency, created, exchange_rate
  FROM reconciliation.stripe_rows
 WHERE staging_id = %(staging_id)s
 ORDER BY source_id;

-- name: throw_away
-- An execution ends. Those that were killed end here too: one that has written nothing for six hours is dead.
WITH ended AS (
    DELETE FROM reconciliation.stagings
     WHERE staging_id = %(staging_id)s OR touched_at < clock_timestamp() - interval '6 hours'
    RETURNING staging_id
)
DELETE FROM reconciliation.stripe_rows r USING ended WHERE r.staging_id = ended.staging_id;
