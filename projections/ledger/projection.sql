-- name: streams
-- Where the streams that a batch touches stand; those without a row are left out.
SELECT stream_id, version, state::text AS state
  FROM read_model.ledger_streams
 WHERE stream_id = ANY(%(stream_ids)s::uuid[]);

-- name: keep_streams
-- Where they stand after the batch.
INSERT INTO read_model.ledger_streams AS s (stream_id, version, state)
SELECT stream_id, version, state
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(stream_id uuid, version bigint, state jsonb)
ON CONFLICT (stream_id) DO UPDATE SET version = EXCLUDED.version, state = EXCLUDED.state;

-- name: note_movements
-- What moved. Locks the rows in their order, so that batches of other partitions wait and do not deadlock. Of several
-- movements of one source and category, which only rows of Stripe's own kinds can have, the first in the log is kept.
INSERT INTO read_model.ledger_movements AS m (source_id, category, currency, amount, at, payment_id, position)
SELECT source_id, category, currency, amount, at, payment_id, position
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       source_id text, category text, currency text, amount bigint, at timestamptz, payment_id uuid, position bigint)
 ORDER BY source_id, category
ON CONFLICT (source_id, category) DO UPDATE
   SET currency = EXCLUDED.currency, amount = EXCLUDED.amount, at = EXCLUDED.at, payment_id = EXCLUDED.payment_id,
       position = EXCLUDED.position
 WHERE m.position IS NULL OR EXCLUDED.position < m.position;

-- name: note_transactions
-- Stripe's rows, the first in the log of each source and category; but one that was converted stays.
INSERT INTO read_model.ledger_movements AS m
      (source_id, category, transaction_id, transaction_position, transaction_currency, transaction_amount, fee,
       exchange_rate, transaction_at)
SELECT source_id, category, transaction_id, transaction_position, transaction_currency, transaction_amount, fee,
       exchange_rate, transaction_at
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       source_id text, category text, transaction_id text, transaction_position bigint, transaction_currency text,
       transaction_amount bigint, fee bigint, exchange_rate text, transaction_at timestamptz)
 ORDER BY source_id, category
ON CONFLICT (source_id, category) DO UPDATE
   SET transaction_id = EXCLUDED.transaction_id, transaction_position = EXCLUDED.transaction_position,
       transaction_currency = EXCLUDED.transaction_currency, transaction_amount = EXCLUDED.transaction_amount,
       fee = EXCLUDED.fee, exchange_rate = EXCLUDED.exchange_rate, transaction_at = EXCLUDED.transaction_at
 WHERE NOT m.converted
   AND (m.transaction_position IS NULL OR EXCLUDED.transaction_position < m.transaction_position);

-- name: convertible
-- Of the movements that a batch touched (and locked above): those whose conversion can be posted now.
SELECT m.source_id, m.category, m.currency, m.amount, m.transaction_position, m.transaction_currency,
       m.transaction_amount, m.transaction_at
  FROM unnest(%(source_ids)s::text[], %(categories)s::text[]) AS touched(source_id, category)
  JOIN read_model.ledger_movements m USING (source_id, category)
 WHERE m.category = ANY(%(own)s::text[])
   AND m.exchange_rate IS NOT NULL AND m.position IS NOT NULL AND NOT m.converted
 ORDER BY m.source_id, m.category;

-- name: mark_converted
-- Their conversion is posted in this transaction.
UPDATE read_model.ledger_movements m
   SET converted = true
  FROM unnest(%(source_ids)s::text[], %(categories)s::text[]) AS done(source_id, category)
 WHERE m.source_id = done.source_id AND m.category = done.category;

-- name: insert_entries
-- A batch's entries with their lines. One that is there already is an error: the checkpoint lets each in once.
WITH entry AS (
    SELECT position, number, kind, source_id, category, at, lines
      FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
           position bigint, number smallint, kind text, source_id text, category text, at timestamptz, lines jsonb)
), head AS (
    INSERT INTO read_model.ledger_entries (position, number, kind, source_id, category, at)
    SELECT position, number, kind, source_id, category, at FROM entry
)
INSERT INTO read_model.ledger_lines (position, number, line, account, currency, amount, at)
SELECT e.position, e.number, l.line, l.item->>'account', l.item->>'currency', (l.item->>'amount')::bigint, e.at
  FROM entry e, LATERAL jsonb_array_elements(e.lines) WITH ORDINALITY AS l(item, line);

-- name: add_to_days
-- The sums of the days, last of all: these rows are everybody's, and locked from here to the end of the transaction.
INSERT INTO read_model.ledger_days AS d (day, account, currency, debit, credit)
SELECT (e.at AT TIME ZONE 'UTC')::date AS day, l.account, l.currency,
       sum(greatest(l.amount, 0)), sum(greatest(-l.amount, 0))
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS e(at timestamptz, lines jsonb),
       LATERAL jsonb_to_recordset(e.lines) AS l(account text, currency text, amount bigint)
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
ON CONFLICT (day, account, currency) DO UPDATE SET debit = d.debit + EXCLUDED.debit, credit = d.credit + EXCLUDED.credit;
