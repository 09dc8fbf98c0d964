REVOKE UPDATE ON consumers.payment_intents FROM paystream_app;
DELETE FROM consumers.payment_intents WHERE payment_id IS NULL;
ALTER TABLE consumers.payment_intents ALTER COLUMN payment_id SET NOT NULL;
