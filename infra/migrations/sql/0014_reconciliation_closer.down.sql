DROP VIEW ledger.stripe_movements;
CREATE VIEW ledger.stripe_movements AS
SELECT source_id, category,
       CASE WHEN converted THEN transaction_currency ELSE currency END AS currency,
       CASE WHEN converted THEN transaction_amount ELSE amount END AS amount,
       fee, at, payment_id, position, transaction_id
  FROM read_model.ledger_movements
 WHERE position IS NOT NULL;
GRANT SELECT ON ledger.stripe_movements TO paystream_app, paystream_projector, paystream_query;
COMMENT ON COLUMN consumers.balance_cursors.completed_at IS NULL;
ALTER TABLE consumers.balance_cursors DROP COLUMN listing_began_at;
