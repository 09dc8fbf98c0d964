-- Payments that wait for something at Stripe: those that the sweeper has read there again when nobody tells of them.

-- Written by the gateway in the transaction of the events. A row that is missing costs time, no money: a webhook tells.
CREATE TABLE consumers.waiting_payments (
    payment_id  uuid        PRIMARY KEY,
    merchant_id text        NOT NULL,
    waits_for   text        NOT NULL,  -- a payment's status, 'refund' or 'dispute'
    since       timestamptz NOT NULL,  -- of a hold: when it ends
    look_at     timestamptz NOT NULL   -- not to be read before
) WITH (fillfactor = 80);

CREATE INDEX waiting_payments_look_at ON consumers.waiting_payments (look_at);

-- Payments of before, as the read model shows them.
INSERT INTO consumers.waiting_payments (payment_id, merchant_id, waits_for, since, look_at)
SELECT payment_id, merchant_id, waits_for, start, start
  FROM read_model.payments
 CROSS JOIN LATERAL (SELECT coalesce(capture_before, updated_at) AS start,
                            CASE WHEN status <> 'succeeded' THEN status ELSE 'refund' END AS waits_for) AS shown
 WHERE stripe_payment_intent_id IS NOT NULL
   AND (status IN ('requires_payment_method', 'requires_confirmation', 'requires_action', 'processing',
                   'requires_capture')
        OR (status = 'succeeded' AND refunds @> '[{"status": "pending"}]'));

-- A payment has one row for all its refreshes; the sweeper asks when a payment was read last.
CREATE UNIQUE INDEX gateway_tasks_refresh ON consumers.gateway_tasks (payment_id) WHERE operation = 'refresh_payment';

GRANT SELECT, INSERT, UPDATE, DELETE ON consumers.waiting_payments TO paystream_app;
