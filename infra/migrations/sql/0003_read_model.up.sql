-- The read model: what the query API shows, built by the projections from the event store alone. Every row carries the
-- version and the position of the last event that it reflects.

CREATE SCHEMA read_model;

-- One row a payment, its refunds within: a payment has few, and they are always read with it.
CREATE TABLE read_model.payments (
    payment_id               uuid PRIMARY KEY,
    merchant_id              text        NOT NULL,
    user_id                  text        NOT NULL,
    amount_cents             bigint      NOT NULL,
    currency                 text        NOT NULL,
    status                   text        NOT NULL,
    stripe_payment_intent_id text,
    idempotency_key          text        NOT NULL,
    description              text,
    metadata                 jsonb       NOT NULL,
    capture_method           text        NOT NULL,
    amount_capturable_cents  bigint      NOT NULL,
    amount_captured_cents    bigint      NOT NULL,
    amount_refunded_cents    bigint      NOT NULL,
    refunds                  jsonb       NOT NULL,  -- array, in the order of the requests
    last_error               jsonb,
    next_action              jsonb,
    created_at               timestamptz NOT NULL,
    updated_at               timestamptz NOT NULL,
    version                  bigint      NOT NULL,
    position                 bigint      NOT NULL
) WITH (fillfactor = 80);  -- a row changes a handful of times soon after it is made

-- Pages run newest first by (created_at, payment_id) within a merchant; the commonest filters have that order too.
CREATE INDEX payments_newest ON read_model.payments (merchant_id, created_at DESC, payment_id DESC);
CREATE INDEX payments_by_status ON read_model.payments (merchant_id, status, created_at DESC, payment_id DESC);
CREATE INDEX payments_by_user ON read_model.payments (merchant_id, user_id, created_at DESC, payment_id DESC);
CREATE INDEX payments_by_idempotency_key ON read_model.payments (merchant_id, idempotency_key);
CREATE INDEX payments_by_intent ON read_model.payments (merchant_id, stripe_payment_intent_id)
    WHERE stripe_payment_intent_id IS NOT NULL;

-- One row an event: what happened to a payment, when and by whom.
CREATE TABLE read_model.payment_timeline (
    payment_id     uuid        NOT NULL,
    version        bigint      NOT NULL,
    position       bigint      NOT NULL,
    merchant_id    text        NOT NULL,
    type           text        NOT NULL,
    at             timestamptz NOT NULL,
    actor          text        NOT NULL,
    request_id     text,
    correlation_id text        NOT NULL,
    data           jsonb       NOT NULL,
    PRIMARY KEY (payment_id, version)
);
-- Answers "has the event at this position been applied?"
CREATE UNIQUE INDEX payment_timeline_position ON read_model.payment_timeline (position);

-- How far each projection has come, without sight of the other consumers' checkpoints.
CREATE VIEW read_model.projection_checkpoints AS
SELECT substring(consumer FROM length('projection:') + 1) AS projection, topic, partition, position, updated_at
  FROM consumers.consumer_checkpoints
 WHERE consumer LIKE 'projection:%';

GRANT USAGE ON SCHEMA read_model TO paystream_projector, paystream_query;
GRANT SELECT, INSERT, UPDATE, DELETE ON read_model.payments, read_model.payment_timeline TO paystream_projector;
GRANT SELECT ON read_model.payments, read_model.payment_timeline, read_model.projection_checkpoints TO paystream_query;
GRANT USAGE ON SCHEMA consumers TO paystream_projector;
GRANT SELECT, INSERT, UPDATE ON consumers.consumer_checkpoints TO paystream_projector;
