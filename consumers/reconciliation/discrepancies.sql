-- name: write_rows
-- Discrepancies as their streams say now. A run that resolved one stays its resolver, however often it is written. Of
-- two that write at once, the newer stays.
INSERT INTO reconciliation.discrepancies AS d
      (discrepancy_id, version, run_id, number, date, kind, source_id, category, status, payment_id, stripe_amount,
       stripe_currency, stripe_fee, ledger_amount, ledger_currency, ledger_fee, actor, reason, resolved_run_id,
       resolved_number)
SELECT discrepancy_id, version, run_id, number, date, kind, source_id, category, status, payment_id, stripe_amount,
       stripe_currency, stripe_fee, ledger_amount, ledger_currency, ledger_fee, actor, reason, resolved_run_id,
       resolved_number
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       discrepancy_id uuid, version bigint, run_id uuid, number integer, date date, kind text, source_id text, category text,
       status text, payment_id uuid, stripe_amount bigint, stripe_currency text, stripe_fee bigint,
       ledger_amount bigint, ledger_currency text, ledger_fee bigint, actor text, reason text, resolved_run_id uuid,
       resolved_number integer)
 ORDER BY discrepancy_id
ON CONFLICT (discrepancy_id) DO UPDATE
   SET run_id = excluded.run_id,
       number = excluded.number,
       date = excluded.date,
       status = excluded.status,
       payment_id = coalesce(excluded.payment_id, d.payment_id),
       stripe_amount = excluded.stripe_amount,
       stripe_currency = excluded.stripe_currency,
       stripe_fee = excluded.stripe_fee,
       ledger_amount = excluded.ledger_amount,
       ledger_currency = excluded.ledger_currency,
       ledger_fee = excluded.ledger_fee,
       actor = excluded.actor,
       reason = excluded.reason,
       resolved_run_id = CASE WHEN excluded.status <> 'resolved' THEN NULL
                              WHEN d.status = 'resolved' THEN d.resolved_run_id
                              ELSE excluded.resolved_run_id END,
       resolved_number = CASE WHEN excluded.status <> 'resolved' THEN NULL
                              WHEN d.status = 'resolved' THEN d.resolved_number
                              ELSE excluded.resolved_number END,
       seen_at = clock_timestamp(),
       version = excluded.version
 WHERE d.version <= excluded.version;

-- name: find_lacking
-- Of these discrepancies, those that the table does not have in these versions.
SELECT n.discrepancy_id
  FROM unnest(%(discrepancy_ids)s::uuid[], %(versions)s::bigint[]) AS n(discrepancy_id, version)
  LEFT JOIN reconciliation.discrepancies d USING (discrepancy_id)
 WHERE d.version IS NULL OR d.version < n.version;

-- name: find_unseen_of_day
-- What is unresolved of a day in a time zone and was not seen since a moment, after an id. What a run of another zone dated
-- is looked at one by one.
SELECT d.discrepancy_id
  FROM reconciliation.discrepancies d
  JOIN reconciliation.runs r USING (run_id)
 WHERE d.status <> 'resolved' AND d.seen_at < %(since)s AND d.date = %(date)s AND r.time_zone = %(time_zone)s
   AND d.discrepancy_id > %(after)s
 ORDER BY d.discrepancy_id
 LIMIT %(limit)s;

-- name: find_shown
-- Of these differences, those that a staging shows: all rows that they name, one of them between two moments; of one that
-- names none, any row of its source and category between these.
SELECT n.discrepancy_id
  FROM jsonb_to_recordset(%(looked_for)s::jsonb)
       AS n(discrepancy_id uuid, source_id text, category text, transaction_ids text[])
 WHERE EXISTS (
         SELECT FROM reconciliation.stripe_rows r
          WHERE r.staging_id = %(staging_id)s AND r.source_id = n.source_id AND r.category = n.category
            AND r.created >= %(start)s AND r.created < %(end)s
            AND (n.transaction_ids = '{}' OR r.transaction_id = ANY (n.transaction_ids)))
   AND NOT EXISTS (
         SELECT FROM unnest(n.transaction_ids) AS named(transaction_id)
          WHERE NOT EXISTS (
                  SELECT FROM reconciliation.stripe_rows r
                   WHERE r.staging_id = %(staging_id)s AND r.source_id = n.source_id
                     AND r.transaction_id = named.transaction_id));

-- name: find_known
-- Of these, those that are there and not resolved.
SELECT discrepancy_id FROM reconciliation.discrepancies
 WHERE discrepancy_id = ANY(%(discrepancy_ids)s::uuid[]) AND status <> 'resolved';

-- name: find_unresolved
-- What is unresolved and was not seen since a moment, that seen longest ago first.
SELECT discrepancy_id
  FROM reconciliation.discrepancies
 WHERE status <> 'resolved' AND seen_at < %(since)s
 ORDER BY seen_at
 LIMIT %(limit)s;

-- name: mark_seen
-- Somebody looked for it, and learned nothing.
UPDATE reconciliation.discrepancies SET seen_at = clock_timestamp() WHERE discrepancy_id = %(discrepancy_id)s;

-- name: count_run
-- What a run opened that did not settle at once, what it found gone, and what it had read again.
SELECT (SELECT count(*) FROM reconciliation.discrepancies
         WHERE run_id = %(run_id)s AND number = %(number)s
           AND (resolved_run_id, resolved_number) IS DISTINCT FROM (run_id, number)) AS opened,
       (SELECT count(*) FROM reconciliation.discrepancies
         WHERE resolved_run_id = %(run_id)s AND resolved_number = %(number)s
           AND (run_id, number) <> (resolved_run_id, resolved_number)) AS resolved,
       (SELECT count(DISTINCT coalesce(payment_id::text, source_id)) FROM reconciliation.discrepancies
         WHERE backfilled_run_id = %(run_id)s AND backfilled_number = %(number)s) AS backfilled;

-- name: mark_backfilled
-- Whose payments these are, if anybody's, and that the run completes what is lacking.
UPDATE reconciliation.discrepancies d
   SET payment_id = coalesce(n.payment_id, d.payment_id), backfilled_run_id = %(run_id)s, backfilled_number = %(number)s
  FROM unnest(%(discrepancy_ids)s::uuid[], %(payment_ids)s::uuid[]) AS n(discrepancy_id, payment_id)
 WHERE d.discrepancy_id = n.discrepancy_id;

-- name: list_discrepancies
-- Discrepancies, newest day first.
SELECT discrepancy_id, date, kind, source_id, category, status, payment_id, stripe_amount, stripe_currency, stripe_fee,
       ledger_amount, ledger_currency, ledger_fee, actor, reason, opened_at, count(*) OVER () AS found
  FROM reconciliation.discrepancies
 WHERE status = ANY(%(statuses)s)
   AND (%(first)s::date IS NULL OR date BETWEEN %(first)s AND %(last)s)
   AND (%(kind)s::text IS NULL OR kind = %(kind)s)
 ORDER BY date DESC, kind, source_id, category
 LIMIT %(limit)s;

-- name: count_unresolved
-- How many are open, and how many explained.
SELECT status, count(*) FROM reconciliation.discrepancies WHERE status <> 'resolved' GROUP BY status;
