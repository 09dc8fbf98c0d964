-- Intents that Stripe told of before we knew that they are ours.

-- A dispute, or a refund made at Stripe itself, can come before the answer of the call that made its intent is recorded.
-- Its intent is then noted without a payment; who notes the payment has it read at Stripe.
ALTER TABLE consumers.payment_intents ALTER COLUMN payment_id DROP NOT NULL;
GRANT UPDATE ON consumers.payment_intents TO paystream_app;
