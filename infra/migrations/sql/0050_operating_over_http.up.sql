-- A key of the operator may name which of its own people acts, as a merchant's may: the back office's does.
ALTER TABLE access.api_keys DROP CONSTRAINT scopes_of_owner;
ALTER TABLE access.api_keys ADD CONSTRAINT scopes_of_owner CHECK (
    CASE WHEN merchant_id IS NULL
         THEN scopes <@ ARRAY['finance:read', 'finance:write', 'audit:read', 'admin:read', 'admin:write', 'actor:set']
         ELSE scopes <@ ARRAY['payments:write', 'refunds:write', 'payments:read', 'webhooks:write', 'actor:set'] END);

-- What each process that calls Stripe last said of its circuit breakers. One that is not told of any more has ended.
CREATE TABLE consumers.circuit_breakers (
    process text        NOT NULL,
    breaker text        NOT NULL,
    state   text        NOT NULL CHECK (state IN ('closed', 'half_open', 'open')),
    since   timestamptz NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (process, breaker)
) WITH (fillfactor = 50);
GRANT SELECT, INSERT, UPDATE, DELETE ON consumers.circuit_breakers TO paystream_app;
