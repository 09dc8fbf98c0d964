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
-- Rows of discrepancies, new or newer than they were.
INSERT INTO read_model.discrepancies AS d
      (discrepancy_id, kind, source_id, category, date, status, stripe, ledger, transaction_ids, payment_id, run_id, actor,
       reason, assignee, opened_at, updated_at, version, position)
SELECT discrepancy_id, kind, source_id, category, date, status, nullif(stripe, 'null'), nullif(ledger, 'null'),
       transaction_ids, payment_id, run_id, actor, reason, assignee, opened_at, updated_at, version, position
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       discrepancy_id uuid, kind text, source_id text, category text, date date, status text, stripe jsonb,
       ledger jsonb, transaction_ids jsonb, payment_id uuid, run_id uuid, actor text, reason text, assignee text, opened_at timestamptz,
       updated_at timestamptz, version bigint, position bigint)
ON CONFLICT (discrepancy_id) DO UPDATE
   SET date = excluded.date, status = excluded.status, stripe = excluded.stripe, ledger = excluded.ledger,
       transaction_ids = excluded.transaction_ids, payment_id = excluded.payment_id, run_id = excluded.run_id,
       actor = excluded.actor, reason = excluded.reason, assignee = excluded.assignee, updated_at = excluded.updated_at, version = excluded.version,
       position = excluded.position
 WHERE d.version < excluded.version;
