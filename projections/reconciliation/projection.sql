-- name: runs
-- The rows of runs that a batch changes.
SELECT run_id AS stream_id, run_id, number, date, time_zone, origin, report, status, attempt, failure, totals, found,
       opened, resolved, backfilled, payouts, requested_at, completed_at, updated_at, version, position
  FROM read_model.reconciliations
 WHERE run_id = ANY(%(stream_ids)s::uuid[]);

-- name: save_runs
-- Rows of runs, new or newer than they were.
INSERT INTO read_model.reconciliations AS r
      (run_id, number, date, time_zone, origin, report, status, attempt, failure, totals, found, opened, resolved,
       backfilled, payouts, requested_at, completed_at, updated_at, version, position)
SELECT run_id, number, date, time_zone, origin, report, status, attempt, failure, totals, found, opened, resolved,
       backfilled, payouts, requested_at, completed_at, updated_at, version, position
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       run_id uuid, number integer, date date, time_zone text, origin text, report text, status text, attempt integer,
       failure text, totals jsonb, found jsonb, opened integer, resolved integer, backfilled integer, payouts integer,
       requested_at timestamptz, completed_at timestamptz, updated_at timestamptz, version bigint, position bigint)
ON CONFLICT (run_id) DO UPDATE
   SET number = excluded.number, origin = excluded.origin, status = excluded.status, attempt = excluded.attempt,
       failure = excluded.failure, totals = excluded.totals, found = excluded.found, opened = excluded.opened,
       resolved = excluded.resolved, backfilled = excluded.backfilled, payouts = excluded.payouts,
       requested_at = excluded.requested_at, completed_at = excluded.completed_at, updated_at = excluded.updated_at,
       version = excluded.version, position = excluded.position
 WHERE r.version < excluded.version;

-- name: discrepancies
-- The rows of discrepancies that a batch changes.
SELECT discrepancy_id AS stream_id, discrepancy_id, kind, source_id, category, date, status, stripe, ledger,
       transaction_ids, payment_id, run_id, actor, reason, assignee, opened_at, updated_at, version, position
  FROM read_model.discrepancies
 WHERE discrepancy_id = ANY(%(stream_ids)s::uuid[]);

-- name: save_discrepancies
-- Rows of discrepancies, new or newer than they were. One about a payment is its merchant's too.
INSERT INTO read_model.discrepancies AS d
      (discrepancy_id, kind, source_id, category, date, status, stripe, ledger, transaction_ids, payment_id, merchant_id,
       run_id, actor, reason, assignee, opened_at, updated_at, version, position)
SELECT n.discrepancy_id, n.kind, n.source_id, n.category, n.date, n.status, nullif(n.stripe, 'null'),
       nullif(n.ledger, 'null'), n.transaction_ids, n.payment_id, s.merchant_id, n.run_id, n.actor, n.reason,
       n.assignee, n.opened_at, n.updated_at, n.version, n.position
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       discrepancy_id uuid, kind text, source_id text, category text, date date, status text, stripe jsonb,
       ledger jsonb, transaction_ids jsonb, payment_id uuid, run_id uuid, actor text, reason text, assignee text,
       opened_at timestamptz, updated_at timestamptz, version bigint, position bigint)
  LEFT JOIN event_store.streams s ON s.stream_id = n.payment_id
ON CONFLICT (discrepancy_id) DO UPDATE
   SET date = excluded.date, status = excluded.status, stripe = excluded.stripe, ledger = excluded.ledger,
       transaction_ids = excluded.transaction_ids, payment_id = excluded.payment_id,
       merchant_id = excluded.merchant_id, run_id = excluded.run_id, actor = excluded.actor, reason = excluded.reason,
       assignee = excluded.assignee, updated_at = excluded.updated_at, version = excluded.version,
       position = excluded.position
 WHERE d.version < excluded.version;
