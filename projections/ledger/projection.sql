-- name: streams
-- Where the streams that a batch touches stand; those without a row are left out.
SELECT stream_id, version, state::text AS state
  FROM read_model.ledger_streams
 WHERE stream_id = ANY(%(stream_ids)b::uuid[]);

-- name: keep_streams
-- Where they stand after the batch.
INSERT INTO read_model.ledger_streams AS s (stream_id, version, state)
SELECT stream_id, version, state
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(stream_id uuid, version bigint, state jsonb)
ON CONFLICT (stream_id) DO UPDATE SET version = EXCLUDED.version, state = EXCLUDED.state;

-- name: dispute_times
-- How often the amounts of the disputes of payments have moved, by category.
SELECT payment_id, source_id, category, times
  FROM read_model.ledger_movements
 WHERE payment_id = ANY(%(payment_ids)b::uuid[]) AND category = ANY(%(twice)s::text[]);

-- name: upsert_movements
-- What moved. Locks the rows in their order, so that batches of other partitions wait and do not deadlock. Of several
-- movements of one source and category, which rows of Stripe's own kinds and disputes can have, the first in the log is kept.
-- What may never move the money becomes due. How often it moved only rises.
INSERT INTO read_model.ledger_movements AS m
      (source_id, category, currency, amount, at, payment_id, position, posted, due_position, due_at, times)
SELECT source_id, category, currency, amount, at, payment_id, position, posted, due_position, due_at, times
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       source_id text, category text, currency text, amount bigint, at timestamptz, payment_id uuid, position bigint,
       posted boolean, due_position bigint, due_at timestamptz, times integer)
 ORDER BY source_id, category
ON CONFLICT (source_id, category) DO UPDATE
   SET currency = CASE WHEN m.position < EXCLUDED.position THEN m.currency ELSE EXCLUDED.currency END,
       amount = CASE WHEN m.position < EXCLUDED.position THEN m.amount ELSE EXCLUDED.amount END,
       payment_id = CASE WHEN m.position < EXCLUDED.position THEN m.payment_id ELSE EXCLUDED.payment_id END,
       position = least(m.position, EXCLUDED.position), times = greatest(m.times, EXCLUDED.times),
       at = CASE WHEN m.position < EXCLUDED.position THEN m.at ELSE EXCLUDED.at END,
       posted = CASE WHEN m.position IS NULL THEN EXCLUDED.posted ELSE m.posted END,
       due_position = coalesce(m.due_position, EXCLUDED.due_position), due_at = coalesce(m.due_at, EXCLUDED.due_at)
 WHERE m.position IS NULL OR EXCLUDED.position < m.position
    OR (m.due_position IS NULL AND EXCLUDED.due_position IS NOT NULL) OR m.times < EXCLUDED.times;

-- name: upsert_transactions
-- Stripe's rows, the first in the log of each source and category.
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
       fee = EXCLUDED.fee, exchange_rate = EXCLUDED.exchange_rate, transaction_at = EXCLUDED.transaction_at,
       converted = false
 WHERE m.transaction_position IS NULL OR EXCLUDED.transaction_position < m.transaction_position;

-- name: add_transactions
-- The first of Stripe's rows of sources and categories that nobody knew; waits for a transaction that writes one at this instant,
-- so that the next statements see it. Locks the others too, all in one order, as those of payments are: two batches cannot
-- wait for each other.
INSERT INTO read_model.ledger_movements AS m
      (source_id, category, transaction_id, transaction_position, transaction_currency, transaction_amount, fee,
       exchange_rate, transaction_at)
SELECT source_id, category, transaction_id, transaction_position, transaction_currency, transaction_amount, fee,
       exchange_rate, transaction_at
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       source_id text, category text, transaction_id text, transaction_position bigint, transaction_currency text,
       transaction_amount bigint, fee bigint, exchange_rate text, transaction_at timestamptz)
 ORDER BY source_id, category
ON CONFLICT (source_id, category) DO UPDATE SET source_id = m.source_id WHERE false;

-- name: keep_displaced
-- Stripe's rows that were the first of theirs until a batch brought an earlier one (locked above). The fee of one that is not
-- here already is posted. Returns those whose conversion is posted.
WITH displaced AS (
    SELECT m.source_id, m.category, m.currency, m.amount, m.converted, m.transaction_id, m.transaction_position,
           m.transaction_currency, m.transaction_amount, m.fee, m.transaction_at, n.posted
      FROM read_model.ledger_movements m
      JOIN jsonb_to_recordset(%(rows)s::jsonb) AS n(
           source_id text, category text, transaction_position bigint, posted boolean) USING (source_id, category)
     WHERE n.transaction_position < m.transaction_position
), kept AS (
    INSERT INTO read_model.ledger_transactions
          (transaction_id, source_id, category, position, currency, amount, fee, at, posted, fee_posted)
    SELECT transaction_id, source_id, category, transaction_position, transaction_currency, transaction_amount, fee,
           transaction_at, posted, true
      FROM displaced
     WHERE posted OR category = ANY(%(twice)s::text[])
        ON CONFLICT DO NOTHING
)
SELECT source_id, category, currency, amount, transaction_position, transaction_currency, transaction_amount,
       transaction_at
  FROM displaced
 WHERE converted;

-- name: keep_transactions
-- Stripe's rows that are not the first of theirs, or whose fee waits for a payment.
INSERT INTO read_model.ledger_transactions
      (transaction_id, source_id, category, position, currency, amount, fee, at, posted, fee_posted)
SELECT n.transaction_id, n.source_id, n.category, n.transaction_position, n.transaction_currency, n.transaction_amount,
       n.fee, n.transaction_at, n.posted, n.fee_posted
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       transaction_id text, source_id text, category text, transaction_position bigint, transaction_currency text,
       transaction_amount bigint, fee bigint, transaction_at timestamptz, posted boolean, fee_posted boolean)
  JOIN read_model.ledger_movements m USING (source_id, category)
 WHERE NOT n.fee_posted
    OR (n.transaction_id <> m.transaction_id AND (n.posted OR n.category = ANY(%(twice)s::text[])));

-- name: drop_posted
-- Of the movements that a batch touched: rows of which there is nothing left to be posted, and ledger_movements tells.
DELETE FROM read_model.ledger_transactions t
 USING unnest(%(source_ids)b::text[], %(categories)b::text[]) AS touched(source_id, category)
  JOIN read_model.ledger_movements m USING (source_id, category)
 WHERE t.source_id = touched.source_id AND t.category = touched.category AND t.fee_posted
   AND (t.transaction_id = m.transaction_id OR t.category <> ALL(%(twice)s::text[]));

-- name: post_fees
-- Of the movements that a batch touched (and locked above): the fees of Stripe's rows that a payment tells of now.
UPDATE read_model.ledger_transactions t
   SET fee_posted = true
  FROM unnest(%(source_ids)b::text[], %(categories)b::text[]) AS touched(source_id, category)
  JOIN read_model.ledger_movements m USING (source_id, category)
 WHERE t.source_id = touched.source_id AND t.category = touched.category
   AND m.position IS NOT NULL AND NOT t.fee_posted
RETURNING t.source_id, t.category, t.currency, 0::bigint AS amount, t.fee, t.position, t.at;

-- name: awaited
-- Of the movements that a batch touched (and locked above): those that were awaited, and whose entry does not stand yet
-- with the first event in the log that says that the money has moved.
SELECT m.source_id, m.category, m.currency, m.amount, m.entry_position, m.at,
       CASE WHEN first.by_row THEN m.transaction_position ELSE m.due_position END AS new_position,
       CASE WHEN first.by_row THEN m.transaction_at ELSE m.due_at END AS new_at
  FROM unnest(%(source_ids)b::text[], %(categories)b::text[]) AS touched(source_id, category)
  JOIN read_model.ledger_movements m USING (source_id, category)
 CROSS JOIN LATERAL (
       SELECT m.due_position IS NULL OR coalesce(m.transaction_position < m.due_position, false) AS by_row) AS first
 WHERE m.position IS NOT NULL AND (NOT m.posted OR m.entry_position IS NOT NULL)
   AND (m.transaction_position IS NOT NULL OR m.due_position IS NOT NULL)
   AND m.entry_position IS DISTINCT FROM CASE WHEN first.by_row THEN m.transaction_position ELSE m.due_position END
 ORDER BY m.source_id, m.category;

-- name: place_awaited
-- Their entries stand there after this transaction.
UPDATE read_model.ledger_movements m
   SET posted = true,
       entry_position = CASE WHEN first.by_row THEN m.transaction_position ELSE m.due_position END,
       at = CASE WHEN first.by_row THEN m.transaction_at ELSE m.due_at END
  FROM (SELECT w.source_id, w.category,
               w.due_position IS NULL OR coalesce(w.transaction_position < w.due_position, false) AS by_row
          FROM unnest(%(source_ids)b::text[], %(categories)b::text[]) AS placed(source_id, category)
          JOIN read_model.ledger_movements w USING (source_id, category)) AS first
 WHERE m.source_id = first.source_id AND m.category = first.category;

-- name: remove_entries
-- Entries that stand elsewhere from now on, or turned out to be of a row that is another one again.
WITH head AS (
    DELETE FROM read_model.ledger_entries e
     USING unnest(%(positions)s::bigint[], %(numbers)s::smallint[]) AS gone(position, number)
     WHERE e.position = gone.position AND e.number = gone.number
)
DELETE FROM read_model.ledger_lines l
 USING unnest(%(positions)s::bigint[], %(numbers)s::smallint[]) AS gone(position, number)
 WHERE l.position = gone.position AND l.number = gone.number;

-- name: put_matching_row_first
-- Of them, those whose first row of Stripe's has not the amount that the payment tells of, though a later one has: that one takes its
-- place, and the other is one beside it. Returns those whose amount is posted already. What was converted cannot be compared so.
WITH better AS (
    SELECT m.source_id, m.category, m.transaction_id AS was_id, m.transaction_position AS was_position,
           m.transaction_currency AS was_currency, m.transaction_amount AS was_amount, m.fee AS was_fee, m.transaction_at AS was_at,
           t.transaction_id, t.position, t.currency, t.amount, t.fee, t.at, t.posted
      FROM unnest(%(source_ids)b::text[], %(categories)b::text[]) AS touched(source_id, category)
      JOIN read_model.ledger_movements m USING (source_id, category)
     CROSS JOIN LATERAL (SELECT * FROM read_model.ledger_transactions same
                          WHERE same.source_id = m.source_id AND same.category = m.category
                            AND (same.currency, same.amount) = (m.currency, m.amount)
                          ORDER BY same.position
                          LIMIT 1) AS t
     WHERE m.position IS NOT NULL AND m.exchange_rate IS NULL
       AND (m.transaction_currency, m.transaction_amount) <> (m.currency, m.amount)
), beside AS (
    INSERT INTO read_model.ledger_transactions
          (transaction_id, source_id, category, position, currency, amount, fee, at, posted, fee_posted)
    SELECT was_id, source_id, category, was_position, was_currency, was_amount, was_fee, was_at, false, true FROM better
        ON CONFLICT DO NOTHING
), unposted AS (
    UPDATE read_model.ledger_transactions t SET posted = false FROM better b WHERE t.transaction_id = b.transaction_id AND b.posted
), placed AS (
    UPDATE read_model.ledger_movements m
       SET transaction_id = b.transaction_id, transaction_position = b.position, transaction_currency = b.currency,
           transaction_amount = b.amount, fee = b.fee, transaction_at = b.at
      FROM better b
     WHERE m.source_id = b.source_id AND m.category = b.category
)
SELECT transaction_id, source_id, category, currency, amount, fee, position, at, posted FROM better WHERE posted;

-- name: second_rows
-- Of them, rows beside the first that have to be posted and are not, or are and must not: each that is not another one again
-- that comes before it in the log, more often than the payment tells of.
SELECT t.transaction_id, t.source_id, t.category, t.currency, t.amount, t.fee, t.position, t.at, t.posted
  FROM unnest(%(source_ids)b::text[], %(categories)b::text[]) AS touched(source_id, category)
  JOIN read_model.ledger_movements m USING (source_id, category)
  JOIN read_model.ledger_transactions t USING (source_id, category)
 WHERE m.position IS NOT NULL AND t.transaction_id <> m.transaction_id
   AND t.posted = (m.times <= ((t.currency, t.amount) = (m.transaction_currency, m.transaction_amount))::integer
                              + (SELECT count(*) FROM read_model.ledger_transactions earlier
                                  WHERE earlier.source_id = t.source_id AND earlier.category = t.category
                                    AND earlier.position < t.position AND earlier.transaction_id <> m.transaction_id
                                    AND (earlier.currency, earlier.amount) = (t.currency, t.amount)))
 ORDER BY t.position;

-- name: turn_second_rows
-- They are posted after this transaction, or are not any more.
UPDATE read_model.ledger_transactions SET posted = NOT posted WHERE transaction_id = ANY(%(transaction_ids)s::text[]);

-- name: convertible
-- Of the movements that a batch touched (and locked above): those whose conversion can be posted now.
SELECT m.source_id, m.category, m.currency, m.amount, m.transaction_position, m.transaction_currency,
       m.transaction_amount, m.transaction_at
  FROM unnest(%(source_ids)b::text[], %(categories)b::text[]) AS touched(source_id, category)
  JOIN read_model.ledger_movements m USING (source_id, category)
 WHERE m.category = ANY(%(own)s::text[])
   AND m.exchange_rate IS NOT NULL AND m.position IS NOT NULL AND NOT m.converted
 ORDER BY m.source_id, m.category;

-- name: mark_converted
-- Their conversion is posted in this transaction.
UPDATE read_model.ledger_movements m
   SET converted = true
  FROM unnest(%(source_ids)b::text[], %(categories)b::text[]) AS done(source_id, category)
 WHERE m.source_id = done.source_id AND m.category = done.category;

-- name: insert_entries
-- A batch's entries with their lines, after its movements: an entry is of the merchant of its payment. One that is there
-- already is an error: the checkpoint lets each in once.
WITH entry AS (
    SELECT position, number, kind, source_id, category, at, lines
      FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
           position bigint, number smallint, kind text, source_id text, category text, at timestamptz, lines jsonb)
), head AS (
    INSERT INTO read_model.ledger_entries (position, number, kind, source_id, category, at, merchant_id)
    SELECT e.position, e.number, e.kind, e.source_id, e.category, e.at, s.merchant_id
      FROM entry e
      LEFT JOIN read_model.ledger_movements m USING (source_id, category)
      LEFT JOIN event_store.streams s ON s.stream_id = m.payment_id
)
INSERT INTO read_model.ledger_lines (position, number, line, account, currency, amount, at)
SELECT e.position, e.number, l.line, l.item->>'account', l.item->>'currency', (l.item->>'amount')::bigint, e.at
  FROM entry e, LATERAL jsonb_array_elements(e.lines) WITH ORDINALITY AS l(item, line);

-- name: add_to_merchant_days
-- The sums of the days of each merchant, of the entries that are of a payment.
INSERT INTO read_model.ledger_merchant_days AS d (merchant_id, day, account, currency, debit, credit)
SELECT s.merchant_id, (e.at AT TIME ZONE 'UTC')::date AS day, l.account, l.currency,
       sum(e.sign * greatest(l.amount, 0)), sum(e.sign * greatest(-l.amount, 0))
  FROM (SELECT 1 AS sign, source_id, category, at, lines
          FROM jsonb_to_recordset(%(rows)s::jsonb) AS a(source_id text, category text, at timestamptz, lines jsonb)
         UNION ALL
        SELECT -1, source_id, category, at, lines
          FROM jsonb_to_recordset(%(removed)s::jsonb) AS r(source_id text, category text, at timestamptz, lines jsonb)) AS e
  JOIN read_model.ledger_movements m USING (source_id, category)
  JOIN event_store.streams s ON s.stream_id = m.payment_id
 CROSS JOIN LATERAL jsonb_to_recordset(e.lines) AS l(account text, currency text, amount bigint)
 GROUP BY 1, 2, 3, 4
 ORDER BY 1, 2, 3, 4
ON CONFLICT (merchant_id, day, account, currency)
   DO UPDATE SET debit = d.debit + EXCLUDED.debit, credit = d.credit + EXCLUDED.credit;

-- name: drop_empty_merchant_days
-- Nothing is left of these days of a merchant where entries were removed.
DELETE FROM read_model.ledger_merchant_days d
 USING jsonb_to_recordset(%(removed)s::jsonb) AS r(source_id text, category text, at timestamptz)
  JOIN read_model.ledger_movements m USING (source_id, category)
  JOIN event_store.streams s ON s.stream_id = m.payment_id
 WHERE d.merchant_id = s.merchant_id AND d.day = (r.at AT TIME ZONE 'UTC')::date
   AND d.debit = 0 AND d.credit = 0;

-- name: add_to_quarters
-- The sums of the quarters of an hour, and of the days after them: these rows are everybody's, and locked from here to the end
-- of the transaction.
INSERT INTO read_model.ledger_quarters AS q (quarter, account, currency, debit, credit)
SELECT date_bin('15 minutes', e.at, '2000-01-01T00:00:00Z') AS quarter, l.account, l.currency,
       sum(e.sign * greatest(l.amount, 0)), sum(e.sign * greatest(-l.amount, 0))
  FROM (SELECT 1 AS sign, at, lines FROM jsonb_to_recordset(%(rows)s::jsonb) AS a(at timestamptz, lines jsonb)
         UNION ALL
        SELECT -1, at, lines FROM jsonb_to_recordset(%(removed)s::jsonb) AS r(at timestamptz, lines jsonb)) AS e,
       LATERAL jsonb_to_recordset(e.lines) AS l(account text, currency text, amount bigint)
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
ON CONFLICT (quarter, account, currency) DO UPDATE
   SET debit = q.debit + EXCLUDED.debit, credit = q.credit + EXCLUDED.credit;

-- name: drop_empty_quarters
-- Nothing is left of these where entries were removed.
DELETE FROM read_model.ledger_quarters
 WHERE quarter IN (SELECT date_bin('15 minutes', at, '2000-01-01T00:00:00Z') FROM unnest(%(days)s::timestamptz[]) AS removed(at))
   AND debit = 0 AND credit = 0;

-- name: add_to_days
-- The sums of the days, in the same way.
INSERT INTO read_model.ledger_days AS d (day, account, currency, debit, credit)
SELECT (e.at AT TIME ZONE 'UTC')::date AS day, l.account, l.currency,
       sum(e.sign * greatest(l.amount, 0)), sum(e.sign * greatest(-l.amount, 0))
  FROM (SELECT 1 AS sign, at, lines FROM jsonb_to_recordset(%(rows)s::jsonb) AS a(at timestamptz, lines jsonb)
         UNION ALL
        SELECT -1, at, lines FROM jsonb_to_recordset(%(removed)s::jsonb) AS r(at timestamptz, lines jsonb)) AS e,
       LATERAL jsonb_to_recordset(e.lines) AS l(account text, currency text, amount bigint)
 GROUP BY 1, 2, 3
 ORDER BY 1, 2, 3
ON CONFLICT (day, account, currency) DO UPDATE SET debit = d.debit + EXCLUDED.debit, credit = d.credit + EXCLUDED.credit;

-- name: drop_empty_days
-- Nothing is left of these days where entries were removed.
DELETE FROM read_model.ledger_days
 WHERE day IN (SELECT (at AT TIME ZONE 'UTC')::date FROM unnest(%(days)s::timestamptz[]) AS removed(at))
   AND debit = 0 AND credit = 0;
