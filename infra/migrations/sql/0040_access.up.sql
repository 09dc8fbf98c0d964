-- Access: merchants, API keys, and which merchant an id of Stripe belongs to.

DO $$
BEGIN
    CREATE ROLE paystream_access NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- roles belong to the cluster: another database may have made it, even at this moment
END
$$;

CREATE SCHEMA access;

CREATE TABLE access.merchants (
    merchant_id text        PRIMARY KEY CHECK (merchant_id ~ '^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$'),
    name        text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- A row is what the key's events tell, and its hash, which they do not.
CREATE TABLE access.api_keys (
    key_id       uuid        PRIMARY KEY,  -- its stream
    prefix       text        NOT NULL UNIQUE,
    sha256       text        NOT NULL UNIQUE CHECK (sha256 ~ '^[0-9a-f]{64}$'),
    merchant_id  text        REFERENCES access.merchants,  -- NULL: the operator's
    scopes       text[]      NOT NULL CHECK (cardinality(scopes) > 0),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    replaced_by  uuid        REFERENCES access.api_keys,
    last_used_at timestamptz,  -- to the minute
    -- What reaches all merchants is the operator's alone, and a payment is always a merchant's.
    CONSTRAINT scopes_of_owner CHECK (
        CASE WHEN merchant_id IS NULL
             THEN scopes <@ ARRAY['finance:read', 'finance:write', 'audit:read', 'admin:read', 'admin:write']
             ELSE scopes <@ ARRAY['payments:write', 'refunds:write', 'payments:read',
                                  'webhooks:write', 'actor:set'] END)
) WITH (fillfactor = 70);  -- room for recording a use on the row's page (HOT update)
CREATE INDEX api_keys_by_merchant ON access.api_keys (merchant_id, created_at);

-- Another one after each change of what the APIs have to know: they compare it, and read all keys when it is not the same.
CREATE TABLE access.revision (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    value    uuid    NOT NULL
);
INSERT INTO access.revision (value) VALUES (gen_random_uuid());

CREATE FUNCTION access.revise() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE access.revision SET value = gen_random_uuid();
    RETURN NULL;
END
$$;
CREATE TRIGGER api_keys_revise
    AFTER INSERT OR DELETE OR UPDATE OF key_id, prefix, sha256, merchant_id, scopes, expires_at, revoked_at, replaced_by
    ON access.api_keys FOR EACH STATEMENT EXECUTE FUNCTION access.revise();
CREATE TRIGGER merchants_revise AFTER INSERT OR DELETE OR UPDATE ON access.merchants
    FOR EACH STATEMENT EXECUTE FUNCTION access.revise();

-- Record that keys were used, to the minute.
CREATE FUNCTION access.record_key_use(key_ids uuid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE access.api_keys
       SET last_used_at = date_trunc('minute', clock_timestamp())
     WHERE key_id IN (SELECT k.key_id FROM access.api_keys k
                       WHERE k.key_id = ANY (key_ids)
                         AND (k.last_used_at IS NULL OR k.last_used_at < date_trunc('minute', clock_timestamp()))
                       ORDER BY k.key_id FOR UPDATE SKIP LOCKED);
$$;

-- The events of access, and no others: for who manages keys, and has nothing to do with payments.
CREATE FUNCTION access.append(appends jsonb)
RETURNS TABLE (ordinal bigint, outcome text, version bigint, "position" bigint,
               fingerprint text, status smallint, response text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM jsonb_array_elements(appends) a WHERE a->>'category' IS DISTINCT FROM 'access') THEN
        RAISE EXCEPTION 'only events of access may be appended here' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN QUERY SELECT * FROM event_store.append(appends);
END
$$;

CREATE FUNCTION access.load_streams(stream_ids uuid[])
RETURNS SETOF event_store.events
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT e.*
      FROM event_store.streams s
      JOIN event_store.events e ON e.stream_id = s.stream_id AND e.position BETWEEN s.first_position AND s.last_position
     WHERE s.stream_id = ANY (stream_ids) AND s.category = 'access'
     ORDER BY e.stream_id, e.version;
$$;

REVOKE ALL ON FUNCTION access.revise(), access.record_key_use(uuid[]), access.append(jsonb), access.load_streams(uuid[])
    FROM PUBLIC;
GRANT USAGE ON SCHEMA access TO paystream_access, paystream_app, paystream_query, paystream_audit;
GRANT SELECT, INSERT ON access.merchants TO paystream_access;
GRANT SELECT, INSERT, UPDATE ON access.api_keys TO paystream_access;
GRANT SELECT, UPDATE ON access.revision TO paystream_access;
GRANT EXECUTE ON FUNCTION access.append(jsonb), access.load_streams(uuid[]) TO paystream_access;
GRANT SELECT ON access.merchants, access.api_keys, access.revision TO paystream_app, paystream_query;
GRANT EXECUTE ON FUNCTION access.record_key_use(uuid[]) TO paystream_app, paystream_query;
GRANT SELECT ON access.merchants TO paystream_audit;
GRANT SELECT (key_id, prefix, merchant_id, scopes, created_at, expires_at, revoked_at, replaced_by, last_used_at)
    ON access.api_keys TO paystream_audit;

-- Whose a customer or a payment method of Stripe is: the merchant's whose request named it first. A row never changes.
CREATE TABLE event_store.stripe_id_owners (
    stripe_id   text PRIMARY KEY,
    merchant_id text NOT NULL
);

-- event_store.append for requests that name ids of Stripe: claim_ids[i] is named by the element claim_ordinals[i] of appends,
-- for claim_merchants[i]. Who names an id of another merchant is answered "foreign", and nothing of it is written. Settled by
-- the primary key, before anything else is locked, in the order of the ids.
CREATE FUNCTION event_store.append_owned(
    appends jsonb, known_position bigint, claim_ordinals bigint[], claim_merchants text[], claim_ids text[])
RETURNS TABLE (ordinal bigint, outcome text, version bigint, "position" bigint,
               fingerprint text, status smallint, response text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    made       text[];
    foreign_to bigint[] := '{}';
    kept       bigint[];
BEGIN
    -- Of two that are in one call, the first has it.
    WITH inserted AS (
        INSERT INTO event_store.stripe_id_owners AS o (stripe_id, merchant_id)
        SELECT c.stripe_id, c.merchant_id
          FROM unnest(claim_ordinals, claim_merchants, claim_ids) AS c(ordinal, merchant_id, stripe_id)
         ORDER BY c.stripe_id, c.ordinal
        ON CONFLICT DO NOTHING
        RETURNING o.stripe_id
    )
    SELECT coalesce(array_agg(i.stripe_id), '{}') INTO made FROM inserted i;
    IF cardinality(made) < cardinality(claim_ids) THEN
        SELECT coalesce(array_agg(DISTINCT c.ordinal), '{}') INTO foreign_to
          FROM unnest(claim_ordinals, claim_merchants, claim_ids) AS c(ordinal, merchant_id, stripe_id)
          JOIN event_store.stripe_id_owners o ON o.stripe_id = c.stripe_id
         WHERE o.merchant_id <> c.merchant_id;
    END IF;
    IF cardinality(foreign_to) = 0 THEN
        RETURN QUERY SELECT * FROM event_store.append(appends, known_position);
        RETURN;
    END IF;

    -- What a refused element named beside the foreign id is not its merchant's for that.
    DELETE FROM event_store.stripe_id_owners o
     WHERE o.stripe_id = ANY (made)
       AND NOT EXISTS (SELECT FROM unnest(claim_ordinals, claim_merchants, claim_ids) AS c(ordinal, merchant_id, stripe_id)
                        WHERE c.stripe_id = o.stripe_id AND c.merchant_id = o.merchant_id AND c.ordinal <> ALL (foreign_to));
    kept := ARRAY(SELECT n FROM generate_series(1, jsonb_array_length(appends)) n WHERE n <> ALL (foreign_to) ORDER BY n);
    IF cardinality(kept) > 0 THEN
        RETURN QUERY
        SELECT kept[a.ordinal], a.outcome, a.version, a.position, a.fingerprint, a.status, a.response
          FROM event_store.append((SELECT jsonb_agg(appends->(k - 1)::integer ORDER BY k) FROM unnest(kept) k),
                                  known_position) a;
    END IF;
    RETURN QUERY
    SELECT f, 'foreign', NULL::bigint, NULL::bigint, NULL::text, NULL::smallint, NULL::text FROM unnest(foreign_to) f;
END
$$;

-- Let ids that events behind a position name be their merchants', unless they are somebody's: what was used before there were
-- owners, and what was written back after a failover. Stripe's own ids have no second underscore; its test ids do
-- (pm_card_visa), and are everybody's.
CREATE FUNCTION event_store.claim_stripe_ids(after_position bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO event_store.stripe_id_owners (stripe_id, merchant_id)
    SELECT DISTINCT ON (used.stripe_id) used.stripe_id, used.merchant_id
      FROM (SELECT e.position, id.stripe_id, e.metadata->>'merchant_id' AS merchant_id
              FROM event_store.events e,
                   LATERAL (VALUES (e.data->>'customer'), (e.data->>'payment_method')) AS id(stripe_id)
             WHERE e.position > after_position
               AND e.category = 'payment' AND e.type IN ('payment.requested', 'payment.confirmation_requested')) used
     WHERE used.stripe_id ~ '^(cus|pm)_[A-Za-z0-9]+$'
     ORDER BY used.stripe_id, used.position
    ON CONFLICT DO NOTHING;
$$;
SELECT event_store.claim_stripe_ids(0);

REVOKE ALL ON FUNCTION event_store.append_owned(jsonb, bigint, bigint[], text[], text[]),
    event_store.claim_stripe_ids(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_store.claim_stripe_ids(bigint) TO paystream_relay;
GRANT EXECUTE ON FUNCTION event_store.append_owned(jsonb, bigint, bigint[], text[], text[]) TO paystream_app;
GRANT SELECT ON event_store.stripe_id_owners TO paystream_app, paystream_audit;
