-- name: find_run
-- The newest run of a day.
SELECT run_id, number, date, time_zone, origin, report, status, attempt, failure, totals::text AS totals,
       found::text AS found, opened, resolved, backfilled, payouts, requested_at, completed_at, updated_at, version,
       position
  FROM read_model.reconciliations
 WHERE run_id = %(run_id)s

-- name: runs
-- Runs after a key, newest day first. A filter that is NULL is off.
SELECT run_id, number, date, time_zone, origin, report, status, attempt, failure, totals::text AS totals,
       found::text AS found, opened, resolved, backfilled, payouts, requested_at, completed_at, updated_at, version,
       position
  FROM read_model.reconciliations
 WHERE (%(status)s::text IS NULL OR status = %(status)s::text)
   AND (%(date_from)s::date IS NULL OR date >= %(date_from)s::date)
   AND (%(date_to)s::date IS NULL OR date <= %(date_to)s::date)
   AND (%(after_id)s::uuid IS NULL OR (date, run_id) < (%(after_date)s::date, %(after_id)s::uuid))
 ORDER BY date DESC, run_id DESC
 LIMIT %(limit)s

-- name: discrepancies
-- Discrepancies after a key, newest day first. A filter that is NULL is off; `unresolved` is open or explained.
SELECT discrepancy_id, kind, source_id, category, date, status, stripe::text AS stripe, ledger::text AS ledger,
       transaction_ids::text AS transaction_ids, payment_id, run_id, actor, reason, assignee, opened_at,
       updated_at, version, position
  FROM read_model.discrepancies
 WHERE (%(status)s::text IS NULL OR status = %(status)s::text
        OR (%(status)s::text = 'unresolved' AND status <> 'resolved'))
   AND (%(kind)s::text IS NULL OR kind = %(kind)s::text)
   AND (%(source_id)s::text IS NULL OR source_id = %(source_id)s::text)
   AND (%(assignee)s::text IS NULL OR assignee = %(assignee)s::text)
   AND (%(payment_id)s::uuid IS NULL OR payment_id = %(payment_id)s::uuid)
   AND (%(run_id)s::uuid IS NULL OR run_id = %(run_id)s::uuid)
   AND (%(date_from)s::date IS NULL OR date >= %(date_from)s::date)
   AND (%(date_to)s::date IS NULL OR date <= %(date_to)s::date)
   AND (%(after_id)s::uuid IS NULL OR (date, discrepancy_id) < (%(after_date)s::date, %(after_id)s::uuid))
 ORDER BY date DESC, discrepancy_id DESC
 LIMIT %(limit)s

-- name: discrepancies_of_merchant
-- A merchant's discrepancies after a key, newest day first. A filter that is NULL is off; `unresolved` is open or explained.
SELECT discrepancy_id, kind, source_id, category, date, status, stripe::text AS stripe, ledger::text AS ledger,
       transaction_ids::text AS transaction_ids, payment_id, run_id, actor, reason, assignee,
       opened_at, updated_at, version, position
  FROM read_model.discrepancies
 WHERE merchant_id = %(merchant_id)s::text
   AND (%(status)s::text IS NULL OR status = %(status)s::text
        OR (%(status)s::text = 'unresolved' AND status <> 'resolved'))
   AND (%(payment_id)s::uuid IS NULL OR payment_id = %(payment_id)s::uuid)
   AND (%(date_from)s::date IS NULL OR date >= %(date_from)s::date)
   AND (%(date_to)s::date IS NULL OR date <= %(date_to)s::date)
   AND (%(after_id)s::uuid IS NULL OR (date, discrepancy_id) < (%(after_date)s::date, %(after_id)s::uuid))
 ORDER BY date DESC, discrepancy_id DESC
 LIMIT %(limit)s

-- name: find_discrepancy
-- One discrepancy.
SELECT discrepancy_id, kind, source_id, category, date, status, stripe::text AS stripe, ledger::text AS ledger,
       transaction_ids::text AS transaction_ids, payment_id, run_id, actor, reason, assignee, opened_at, updated_at, version,
       position
  FROM read_model.discrepancies
 WHERE discrepancy_id = %(discrepancy_id)s
