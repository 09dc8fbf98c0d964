-- Consumers: how far each has come, and the Stripe calls that are wanted.

CREATE SCHEMA consumers;

-- The position of the last event whose effects are written, moved in the transaction that writes them. Kafka's group
-- offsets are only a hint where to start reading.
CREATE TABLE consumers.consumer_checkpoints (
    consumer   text        NOT NULL,
    topic      text        NOT NULL,
    partition  integer     NOT NULL,
    position   bigint      NOT NULL DEFAULT 0 CHECK (position >= 0),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, topic, partition)
) WITH (fillfactor = 50);  -- rewritten by every batch: stays on its page (HOT update)

-- One row a wanted Stripe call. The event that asks for it is its identity and the idempotency key at Stripe; what is
-- to be sent is in that event, in the log.
-- A row is leased while `lease_token` is set; its lease ends at `due_at`, and then it is due for anyone again.
CREATE TABLE consumers.gateway_tasks (
    event_id         uuid        PRIMARY KEY,
    payment_id       uuid        NOT NULL,
    merchant_id      text        NOT NULL,
    operation        text        NOT NULL CHECK (operation IN
        ('create_intent', 'confirm_intent', 'capture_intent', 'cancel_intent', 'create_refund')),
    position         bigint      NOT NULL,  -- the event's: orders the tasks of a payment
    correlation_id   text        NOT NULL,
    traceparent      text,
    status           text        NOT NULL DEFAULT 'due' CHECK (status IN ('due', 'leased', 'unknown', 'done', 'dead')),
    due_at           timestamptz NOT NULL DEFAULT now(),
    lease_token      uuid,
    attempts         integer     NOT NULL DEFAULT 0,
    first_attempt_at timestamptz,
    last_attempt_at  timestamptz,
    outcome_unknown  boolean     NOT NULL DEFAULT false,  -- never send again: look the object up
    last_error       text,
    created_at       timestamptz NOT NULL DEFAULT now(),
    finished_at      timestamptz,
    CHECK ((status = 'leased') = (lease_token IS NOT NULL))
) WITH (fillfactor = 70);

CREATE INDEX gateway_tasks_due ON consumers.gateway_tasks (due_at) WHERE status IN ('due', 'leased', 'unknown');
-- A payment's tasks run one after another: the open ones before a task are looked for on every claim.
CREATE INDEX gateway_tasks_open ON consumers.gateway_tasks (payment_id, position) WHERE status <> 'done';

GRANT USAGE ON SCHEMA consumers TO paystream_app;
GRANT SELECT, INSERT, UPDATE ON consumers.consumer_checkpoints, consumers.gateway_tasks TO paystream_app;
