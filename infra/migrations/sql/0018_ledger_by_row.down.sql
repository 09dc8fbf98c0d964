CREATE OR REPLACE VIEW ledger.stripe_movements AS
SELECT source_id, category,
       CASE WHEN converted THEN transaction_currency ELSE currency END AS currency,
       CASE WHEN converted THEN transaction_amount ELSE amount END AS amount,
       fee, at, payment_id, position, transaction_id, transaction_at,
       CASE WHEN converted THEN amount END AS presented_amount,
       CASE WHEN converted THEN currency END AS presented_currency
  FROM read_model.ledger_movements
 WHERE position IS NOT NULL;
DROP TABLE read_model.ledger_transactions;
ALTER TABLE read_model.ledger_movements DROP COLUMN posted, DROP COLUMN due_position, DROP COLUMN due_at,
    DROP COLUMN entry_position;
