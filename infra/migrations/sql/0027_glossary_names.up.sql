-- Columns get the names of docs/glossary.md. The release before does not know them: it must not run beside this one
-- (docs/runbooks/upgrade.md).
ALTER TABLE consumers.consumer_checkpoints RENAME COLUMN dead_letters_forgiven TO dead_letters_acknowledged_through;

ALTER TABLE consumers.dead_letters RENAME COLUMN asked_by TO requested_by;
ALTER TABLE consumers.dead_letters RENAME COLUMN announced_at TO published_at;
ALTER TABLE consumers.dead_letters RENAME COLUMN announced_offset TO published_offset;

ALTER TABLE consumers.gateway_tasks RENAME COLUMN asked_by TO requested_by;

ALTER TABLE reconciliation.discrepancies RENAME COLUMN who TO actor;
ALTER TABLE reconciliation.discrepancies RENAME COLUMN why TO reason;
ALTER TABLE reconciliation.discrepancies RENAME COLUMN healed_run_id TO backfilled_run_id;
ALTER TABLE reconciliation.discrepancies RENAME COLUMN healed_number TO backfilled_number;
ALTER INDEX reconciliation.discrepancies_healed RENAME TO discrepancies_backfilled;

ALTER TABLE read_model.discrepancies RENAME COLUMN who TO actor;
ALTER TABLE read_model.discrepancies RENAME COLUMN why TO reason;
ALTER TABLE read_model.reconciliations RENAME COLUMN healing TO backfilled;

-- The timeline says what an event says in its newest version.
UPDATE read_model.payment_timeline
   SET data = data - '{who,why}'::text[] || jsonb_build_object('actor', data->'who', 'reason', data->'why')
 WHERE type IN ('payment.task_retried', 'payment.task_given_up', 'payment.contradiction_resolved') AND data ? 'who';
