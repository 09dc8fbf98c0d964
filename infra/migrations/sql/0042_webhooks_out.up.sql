-- Webhooks to merchants: where each wants its events, and what was delivered there. What is sent is in the log.

CREATE SCHEMA webhooks_out;

-- An endpoint of a merchant. Its secrets are encrypted by a key that the database does not have (WEBHOOK_SECRETS_KEY).
CREATE TABLE webhooks_out.endpoints (
    endpoint_id           uuid        PRIMARY KEY,
    merchant_id           text        NOT NULL,
    url                   text        NOT NULL CHECK (length(url) <= 2000),
    event_types           text[]      NOT NULL,  -- empty: all
    description           text        NOT NULL,
    enabled               boolean     NOT NULL,
    disabled_because      text        CHECK (disabled_because IN ('failing', 'gone')),  -- NULL: the merchant did it
    active_since          timestamptz NOT NULL DEFAULT clock_timestamp(),  -- gets what is recorded from then on
    secret                bytea       NOT NULL,
    previous_secret       bytea,
    previous_secret_until timestamptz,           -- until then both sign
    failing_since         timestamptz,           -- the first failure after the last success
    failures              integer     NOT NULL DEFAULT 0,  -- since then
    created_at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    deleted_at            timestamptz,           -- its deliveries are removed bit by bit, and then the row
    CHECK (NOT enabled OR disabled_because IS NULL),
    CHECK (NOT enabled OR deleted_at IS NULL)
) WITH (fillfactor = 70);

-- A request to create an endpoint that is repeated makes no second one.
CREATE UNIQUE INDEX endpoints_of_merchant ON webhooks_out.endpoints (merchant_id, url) WHERE deleted_at IS NULL;

-- An event that an endpoint gets. The first open one of a payment is due or leased, those behind it wait.
CREATE TABLE webhooks_out.deliveries (
    delivery_id uuid        PRIMARY KEY DEFAULT gen_random_uuid(),
    endpoint_id uuid        NOT NULL REFERENCES webhooks_out.endpoints,
    event_id    uuid        NOT NULL,
    payment_id  uuid        NOT NULL,
    version     bigint      NOT NULL,
    position    bigint      NOT NULL,
    event_type  text        NOT NULL,
    status      text        NOT NULL CHECK (status IN ('waiting', 'due', 'leased', 'delivered', 'failed')),
    due_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    lease_token uuid,
    attempts    integer     NOT NULL DEFAULT 0,  -- of this series: a resend begins again
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at timestamptz,
    UNIQUE (endpoint_id, event_id),
    CHECK ((status = 'leased') = (lease_token IS NOT NULL))
) WITH (fillfactor = 70);

CREATE INDEX deliveries_due ON webhooks_out.deliveries (endpoint_id, due_at) WHERE status IN ('due', 'leased');
CREATE INDEX deliveries_open ON webhooks_out.deliveries (endpoint_id, payment_id, position)
    WHERE status IN ('waiting', 'due', 'leased');
CREATE INDEX deliveries_listed ON webhooks_out.deliveries (endpoint_id, position);
CREATE INDEX deliveries_finished ON webhooks_out.deliveries (finished_at) WHERE status IN ('delivered', 'failed');

-- What came of each attempt. `answer` is the beginning of what the endpoint said.
CREATE TABLE webhooks_out.attempts (
    attempt_id  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id uuid        NOT NULL REFERENCES webhooks_out.deliveries ON DELETE CASCADE,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    duration_ms integer     NOT NULL,
    status      smallint,   -- NULL: there was no answer
    error       text,       -- NULL: it was delivered
    answer      text
);

CREATE INDEX attempts_of_delivery ON webhooks_out.attempts (delivery_id, attempt_id);

-- Requests to send once more what was recorded in a time.
CREATE TABLE webhooks_out.replays (
    replay_id    uuid        PRIMARY KEY,
    endpoint_id  uuid        NOT NULL REFERENCES webhooks_out.endpoints ON DELETE CASCADE,
    from_at      timestamptz NOT NULL,
    until_at     timestamptz NOT NULL,
    done_until   bigint,     -- the position; NULL: it has not begun
    up_to        bigint,
    deliveries   bigint      NOT NULL DEFAULT 0,
    actor        text        NOT NULL,
    requested_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at  timestamptz,
    CHECK (from_at <= until_at)
);

-- One at a time for each endpoint: whoever asks again and again does not have the log read again and again.
CREATE UNIQUE INDEX replays_open ON webhooks_out.replays (endpoint_id) WHERE finished_at IS NULL;
CREATE INDEX replays_of_endpoint ON webhooks_out.replays (endpoint_id);

-- The command API and the worker alone. Nobody may change what was sent, or the log of attempts.
GRANT USAGE ON SCHEMA webhooks_out TO paystream_app;
GRANT SELECT, INSERT, DELETE ON webhooks_out.endpoints, webhooks_out.deliveries, webhooks_out.attempts TO paystream_app;
GRANT SELECT, INSERT ON webhooks_out.replays TO paystream_app;
GRANT UPDATE (url, event_types, description, enabled, disabled_because, active_since, secret, previous_secret,
              previous_secret_until, failing_since, failures, updated_at, deleted_at)
   ON webhooks_out.endpoints TO paystream_app;
GRANT UPDATE (status, due_at, lease_token, attempts, finished_at) ON webhooks_out.deliveries TO paystream_app;
GRANT UPDATE (done_until, up_to, deliveries, finished_at) ON webhooks_out.replays TO paystream_app;
