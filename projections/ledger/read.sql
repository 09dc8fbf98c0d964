-- name: balances
-- Both sides of every account: the days before, and the lines of the day itself.
SELECT account, currency, sum(debit)::bigint AS debit, sum(credit)::bigint AS credit
  FROM (SELECT account, currency, debit, credit
          FROM read_model.ledger_days
         WHERE %(as_of)s::timestamptz IS NULL OR day < (%(as_of)s::timestamptz AT TIME ZONE 'UTC')::date
        UNION ALL
        SELECT account, currency, greatest(amount, 0), greatest(-amount, 0)
          FROM read_model.ledger_lines
         WHERE at >= date_trunc('day', %(as_of)s::timestamptz, 'UTC') AND at <= %(as_of)s::timestamptz) AS side
 GROUP BY account, currency
 ORDER BY currency, account

-- name: entries
-- Entries, newest first, that all given filters hold for. A payment's are those of every source that is the payment's:
-- its fees and conversions too.
SELECT e.position, e.number, e.kind, e.source_id, e.category, e.at, m.payment_id,
       (SELECT json_agg(json_build_object('account', l.account, 'currency', l.currency, 'amount', l.amount)
                        ORDER BY l.line)::text
          FROM read_model.ledger_lines l WHERE l.position = e.position AND l.number = e.number) AS lines
  FROM read_model.ledger_entries e
  LEFT JOIN read_model.ledger_movements m ON m.source_id = e.source_id AND m.category = e.category
 WHERE (%(payment_id)s::uuid IS NULL
        OR e.source_id = ANY (ARRAY(SELECT p.source_id FROM read_model.ledger_movements p
                                     WHERE p.payment_id = %(payment_id)s::uuid)))
   AND (%(source_id)s::text IS NULL OR e.source_id = %(source_id)s::text)
   AND (%(account)s::text IS NULL AND %(currency)s::text IS NULL
        OR EXISTS (SELECT FROM read_model.ledger_lines a
                    WHERE a.position = e.position AND a.number = e.number
                      AND (%(account)s::text IS NULL OR a.account = %(account)s::text)
                      AND (%(currency)s::text IS NULL OR a.currency = %(currency)s::text)))
   AND (%(since)s::timestamptz IS NULL OR e.at >= %(since)s::timestamptz)
   AND (%(until)s::timestamptz IS NULL OR e.at < %(until)s::timestamptz)
   AND (%(after_at)s::timestamptz IS NULL
        OR (e.at, e.position, e.number) < (%(after_at)s::timestamptz, %(after_position)s::bigint,
                                           %(after_number)s::smallint))
 ORDER BY e.at DESC, e.position DESC, e.number DESC
 LIMIT %(limit)s

-- name: balances_of_merchant
-- Both sides of every account, of a merchant's payments: the days before, and the entries of the day itself.
SELECT account, currency, sum(debit)::bigint AS debit, sum(credit)::bigint AS credit
  FROM (SELECT account, currency, debit, credit
          FROM read_model.ledger_merchant_days
         WHERE merchant_id = %(merchant_id)s::text
           AND (%(as_of)s::timestamptz IS NULL OR day < (%(as_of)s::timestamptz AT TIME ZONE 'UTC')::date)
        UNION ALL
        SELECT l.account, l.currency, greatest(l.amount, 0), greatest(-l.amount, 0)
          FROM read_model.ledger_entries e
          JOIN read_model.ledger_lines l ON l.position = e.position AND l.number = e.number
         WHERE e.merchant_id = %(merchant_id)s::text
           AND e.at >= date_trunc('day', %(as_of)s::timestamptz, 'UTC') AND e.at <= %(as_of)s::timestamptz) AS side
 GROUP BY account, currency
 ORDER BY currency, account

-- name: entries_of_merchant
-- Entries of a merchant's payments, newest first, that all given filters hold for.
SELECT e.position, e.number, e.kind, e.source_id, e.category, e.at, m.payment_id,
       (SELECT json_agg(json_build_object('account', l.account, 'currency', l.currency, 'amount', l.amount)
                        ORDER BY l.line)::text
          FROM read_model.ledger_lines l WHERE l.position = e.position AND l.number = e.number) AS lines
  FROM read_model.ledger_entries e
  LEFT JOIN read_model.ledger_movements m ON m.source_id = e.source_id AND m.category = e.category
 WHERE e.merchant_id = %(merchant_id)s::text
   AND (%(payment_id)s::uuid IS NULL
        OR e.source_id = ANY (ARRAY(SELECT p.source_id FROM read_model.ledger_movements p
                                     WHERE p.payment_id = %(payment_id)s::uuid)))
   AND (%(since)s::timestamptz IS NULL OR e.at >= %(since)s::timestamptz)
   AND (%(until)s::timestamptz IS NULL OR e.at < %(until)s::timestamptz)
   AND (%(after_at)s::timestamptz IS NULL
        OR (e.at, e.position, e.number) < (%(after_at)s::timestamptz, %(after_position)s::bigint,
                                           %(after_number)s::smallint))
 ORDER BY e.at DESC, e.position DESC, e.number DESC
 LIMIT %(limit)s

-- name: account_entries
-- Entries with a line of one account or in one currency, newest first: as `entries`, found from those very lines, of each account
-- in each currency that it was used in, so that a page costs a page however seldom that is.
SELECT e.position, e.number, e.kind, e.source_id, e.category, e.at, m.payment_id,
       (SELECT json_agg(json_build_object('account', l.account, 'currency', l.currency, 'amount', l.amount)
                        ORDER BY l.line)::text
          FROM read_model.ledger_lines l WHERE l.position = e.position AND l.number = e.number) AS lines
  FROM (SELECT DISTINCT of_currency.at, of_currency.position, of_currency.number
          FROM (SELECT DISTINCT account, currency FROM read_model.ledger_days
                 WHERE (%(account)s::text IS NULL OR account = %(account)s::text)
                   AND (%(currency)s::text IS NULL OR currency = %(currency)s::text)) AS used,
               LATERAL (SELECT DISTINCT a.at, a.position, a.number
                          FROM read_model.ledger_lines a
                         WHERE a.account = used.account AND a.currency = used.currency
                           AND (%(since)s::timestamptz IS NULL OR a.at >= %(since)s::timestamptz)
                           AND (%(until)s::timestamptz IS NULL OR a.at < %(until)s::timestamptz)
                           AND (%(after_at)s::timestamptz IS NULL
                                OR (a.at, a.position, a.number) < (%(after_at)s::timestamptz, %(after_position)s::bigint,
                                                                   %(after_number)s::smallint))
                         ORDER BY a.at DESC, a.position DESC, a.number DESC
                         LIMIT %(limit)s) AS of_currency
         ORDER BY at DESC, position DESC, number DESC
         LIMIT %(limit)s) AS page
  JOIN read_model.ledger_entries e USING (position, number)
  LEFT JOIN read_model.ledger_movements m ON m.source_id = e.source_id AND m.category = e.category
 ORDER BY e.at DESC, e.position DESC, e.number DESC

-- name: day_totals
-- What moved by day of a time zone, from the sums of the quarters of an hour. Each account counts on the side that it is for.
-- The bounds only narrow: a midnight that comes twice is one moment to AT TIME ZONE, and the later one.
SELECT (quarter AT TIME ZONE %(time_zone)s)::date AS date, currency,
       coalesce(sum(credit - debit) FILTER (WHERE account = 'customer_receivable'), 0)::bigint AS gross,
       coalesce(sum(debit - credit) FILTER (WHERE account = 'refunds'), 0)::bigint AS refunds,
       coalesce(sum(debit - credit) FILTER (WHERE account = 'disputes'), 0)::bigint AS disputes,
       coalesce(sum(debit - credit) FILTER (WHERE account = 'stripe_fees'), 0)::bigint AS fees
  FROM read_model.ledger_quarters
 WHERE quarter >= (%(date_from)s::date - 1)::timestamp AT TIME ZONE %(time_zone)s
   AND quarter < (%(date_to)s::date + 2)::timestamp AT TIME ZONE %(time_zone)s
   AND (quarter AT TIME ZONE %(time_zone)s)::date BETWEEN %(date_from)s::date AND %(date_to)s::date
   AND (%(currency)s::text IS NULL OR currency = %(currency)s::text)
   AND account IN ('customer_receivable', 'refunds', 'disputes', 'stripe_fees')
 GROUP BY 1, 2
 ORDER BY 1, 2

-- name: lines
-- Every line of a time with its entry, oldest first, for an export.
SELECT e.at, e.position, e.number, l.line, e.kind, e.source_id, e.category, m.payment_id, l.account, l.currency, l.amount
  FROM read_model.ledger_entries e
  JOIN read_model.ledger_lines l ON l.position = e.position AND l.number = e.number
  LEFT JOIN read_model.ledger_movements m ON m.source_id = e.source_id AND m.category = e.category
 WHERE (%(since)s::timestamptz IS NULL OR e.at >= %(since)s::timestamptz)
   AND (%(until)s::timestamptz IS NULL OR e.at < %(until)s::timestamptz)
 ORDER BY e.at, e.position, e.number, l.line

-- name: lift_limits
-- Those of the login role (migration 0041) are for reads that somebody waits for. A slow disk may keep an export waiting.
SELECT set_config('statement_timeout', '0', true), set_config('idle_in_transaction_session_timeout', '60s', true)
