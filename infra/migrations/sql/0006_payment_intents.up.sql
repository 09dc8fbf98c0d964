-- Whose payment intent it is, for webhooks; and payments that are to be read at Stripe again.

-- Disputes, and refunds made at Stripe itself, name the intent but carry none of our metadata. Written in the
-- transaction that records the intent. Can be filled again from the log, as below.
CREATE TABLE consumers.payment_intents (
    intent_id  text PRIMARY KEY,
    payment_id uuid NOT NULL
);

-- A gateway of before, which still runs, writes none; a webhook that carries our metadata makes up for it.
INSERT INTO consumers.payment_intents (intent_id, payment_id)
SELECT data ->> 'intent_id', stream_id
  FROM event_store.events
 WHERE type = 'payment.intent_created'
ON CONFLICT DO NOTHING;

GRANT SELECT, INSERT ON consumers.payment_intents TO paystream_app;

-- 'refresh_payment' reads the payment at Stripe and changes nothing there; no event of the log asks for it. Whatever
-- fitted the old rule fits the new one, so the rows there need not be looked at under the lock.
ALTER TABLE consumers.gateway_tasks
    DROP CONSTRAINT gateway_tasks_operation_check,
    ADD CONSTRAINT gateway_tasks_operation_check CHECK (operation IN
        ('create_intent', 'confirm_intent', 'capture_intent', 'cancel_intent', 'create_refund', 'refresh_payment'))
        NOT VALID;
