-- Stop the worker stripe-webhooks and the gateway first. What was to be read at Stripe again is forgotten.
DELETE FROM consumers.gateway_tasks WHERE operation = 'refresh_payment';
ALTER TABLE consumers.gateway_tasks
    DROP CONSTRAINT gateway_tasks_operation_check,
    ADD CONSTRAINT gateway_tasks_operation_check CHECK (operation IN
        ('create_intent', 'confirm_intent', 'capture_intent', 'cancel_intent', 'create_refund'));
DROP TABLE consumers.payment_intents;
