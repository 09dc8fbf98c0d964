-- A listing may be cut short and end hours after it began: of what Stripe made meanwhile, it read nothing. So a list is as
-- complete as it was when its listing began, and `completed_at` says that moment.
ALTER TABLE consumers.balance_cursors ADD COLUMN listing_began_at timestamptz;
COMMENT ON COLUMN consumers.balance_cursors.completed_at IS 'what Stripe had made before this moment is read';

-- What Stripe converted is compared with what it was before, and not with what Stripe itself said came of it. And when
-- Stripe booked it is told, so that nothing is missed there that is of another day.
CREATE OR REPLACE VIEW ledger.stripe_movements AS
SELECT source_id, category,
       CASE WHEN converted THEN transaction_currency ELSE currency END AS currency,
       CASE WHEN converted THEN transaction_amount ELSE amount END AS amount,
       fee, at, payment_id, position, transaction_id, transaction_at,
       CASE WHEN converted THEN amount END AS presented_amount,
       CASE WHEN converted THEN currency END AS presented_currency
  FROM read_model.ledger_movements
 WHERE position IS NOT NULL;
