-- Split payments as the query API shows them, built by the projection `split_payments` from the event store alone.

CREATE TABLE read_model.split_payments (
    split_payment_id uuid        PRIMARY KEY,
    merchant_id      text        NOT NULL,
    user_id          text        NOT NULL,
    status           text        NOT NULL,
    view             jsonb       NOT NULL,  -- what the API shows of it, but for its history
    created_at       timestamptz NOT NULL,
    updated_at       timestamptz NOT NULL,
    version          bigint      NOT NULL,
    position         bigint      NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX split_payments_newest ON read_model.split_payments (merchant_id, created_at DESC, split_payment_id DESC);
CREATE INDEX split_payments_by_status
    ON read_model.split_payments (merchant_id, status, created_at DESC, split_payment_id DESC);
CREATE INDEX split_payments_by_user
    ON read_model.split_payments (merchant_id, user_id, created_at DESC, split_payment_id DESC);

-- Its history: what the row is folded from.
CREATE TABLE read_model.split_payment_events (
    split_payment_id uuid        NOT NULL,
    version          bigint      NOT NULL,
    position         bigint      NOT NULL UNIQUE,
    type             text        NOT NULL,
    schema_version   integer     NOT NULL,
    data             jsonb       NOT NULL,
    actor            text        NOT NULL,
    at               timestamptz NOT NULL,
    PRIMARY KEY (split_payment_id, version)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON read_model.split_payments, read_model.split_payment_events TO paystream_projector;
GRANT SELECT ON read_model.split_payments, read_model.split_payment_events TO paystream_query;

-- The split payment that a payment is a leg of.
ALTER TABLE read_model.payments ADD COLUMN split_payment_id uuid;
CREATE INDEX payments_by_split_payment ON read_model.payments (split_payment_id) WHERE split_payment_id IS NOT NULL;

-- A read may wait for the position of a split payment's event too.
CREATE OR REPLACE VIEW read_model.applied_events AS
SELECT t.position
  FROM read_model.payment_timeline t JOIN read_model.payments p USING (payment_id)
 WHERE p.position >= t.position
UNION ALL
SELECT position FROM read_model.split_payment_events;

CREATE TRIGGER split_payment_events_forget_watermark AFTER DELETE OR TRUNCATE ON read_model.split_payment_events
    FOR EACH STATEMENT EXECUTE FUNCTION read_model.forget_watermark();

CREATE OR REPLACE VIEW read_model.unapplied_events AS
SELECT position
  FROM consumers.dead_letters
 WHERE consumer = 'projector' AND position IS NOT NULL AND status <> 'applied'
   AND (topic = 'paystream.payment' AND lacking && ARRAY['projection:payments', 'projection:payment_timeline']
        OR topic = 'paystream.split-payment' AND lacking && ARRAY['projection:split_payments'])
UNION ALL
SELECT position FROM event_store.refused_events;
