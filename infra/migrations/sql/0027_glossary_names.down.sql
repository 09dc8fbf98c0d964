UPDATE read_model.payment_timeline
   SET data = data - '{actor,reason}'::text[] || jsonb_build_object('who', data->'actor', 'why', data->'reason')
 WHERE type IN ('payment.task_retried', 'payment.task_given_up', 'payment.contradiction_resolved') AND data ? 'actor';

ALTER TABLE read_model.reconciliations RENAME COLUMN backfilled TO healing;
ALTER TABLE read_model.discrepancies RENAME COLUMN reason TO why;
ALTER TABLE read_model.discrepancies RENAME COLUMN actor TO who;

ALTER INDEX reconciliation.discrepancies_backfilled RENAME TO discrepancies_healed;
ALTER TABLE reconciliation.discrepancies RENAME COLUMN backfilled_number TO healed_number;
ALTER TABLE reconciliation.discrepancies RENAME COLUMN backfilled_run_id TO healed_run_id;
ALTER TABLE reconciliation.discrepancies RENAME COLUMN reason TO why;
ALTER TABLE reconciliation.discrepancies RENAME COLUMN actor TO who;

ALTER TABLE consumers.gateway_tasks RENAME COLUMN requested_by TO asked_by;

ALTER TABLE consumers.dead_letters RENAME COLUMN published_offset TO announced_offset;
ALTER TABLE consumers.dead_letters RENAME COLUMN published_at TO announced_at;
ALTER TABLE consumers.dead_letters RENAME COLUMN requested_by TO asked_by;

ALTER TABLE consumers.consumer_checkpoints
    RENAME COLUMN dead_letters_acknowledged_through TO dead_letters_forgiven;
