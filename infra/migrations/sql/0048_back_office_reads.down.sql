-- Removes the tables and the progress of their projections: they are built anew from the event store.
DROP INDEX IF EXISTS read_model.payments_by_refusal, read_model.payments_ever_disputed, read_model.ledger_lines_account_currency;
DROP TABLE read_model.counted_payments, read_model.payment_totals, read_model.ledger_quarters, read_model.payouts;
DELETE FROM consumers.consumer_checkpoints WHERE consumer IN ('projection:payouts', 'projection:payment_totals');
