-- The event log: immutable events, the version of each stream, and the idempotency records of commands.
-- There is one way in, event_store.append(); nobody may change or remove what is written.

-- Group roles. Deployments grant them to login roles of their own.
DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['paystream_app', 'paystream_projector', 'paystream_query'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- roles belong to the cluster: another database may have made them, even at this moment
        END;
    END LOOP;
END
$$;

CREATE SCHEMA event_store;

CREATE TABLE event_store.streams (
    stream_id   uuid PRIMARY KEY,
    category    text   NOT NULL,
    merchant_id text   NOT NULL,
    version     bigint NOT NULL CHECK (version > 0)
) WITH (fillfactor = 70);  -- room for the version bump to stay on its page (HOT update)

-- CACHE 1: with a cache, a session would hold back positions and hand them out late.
CREATE SEQUENCE event_store.event_position AS bigint MINVALUE 1 CACHE 1;

CREATE TABLE event_store.events (
    position       bigint      NOT NULL DEFAULT nextval('event_store.event_position'),
    event_id       uuid        NOT NULL,
    stream_id      uuid        NOT NULL,
    version        bigint      NOT NULL,
    category       text        NOT NULL,
    type           text        NOT NULL,
    schema_version integer     NOT NULL,
    data           jsonb       NOT NULL,
    metadata       jsonb       NOT NULL,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (position)
) PARTITION BY RANGE (position);
ALTER SEQUENCE event_store.event_position OWNED BY event_store.events.position;

-- Not unique: a partitioned table cannot hold uniqueness across partitions. The row of `streams`, locked and compared
-- on every append, holds it.
CREATE INDEX events_by_stream ON event_store.events (stream_id, version);

CREATE TABLE event_store.idempotency_keys (
    merchant_id text        NOT NULL,
    key         text        NOT NULL,
    fingerprint text        NOT NULL,
    status      smallint    NOT NULL,
    response    text        NOT NULL,  -- the answer's bytes as sent, not jsonb: a replay must equal the original
    stream_id   uuid        NOT NULL,
    version     bigint      NOT NULL,  -- of the last event that the command appended: finds its position
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (merchant_id, key)
);

-- How far each relay had published when it was last seen. Kafka holds the truth; this is what the queue's length is
-- measured from while Kafka is away.
CREATE TABLE event_store.relay_positions (
    shard      text        PRIMARY KEY,
    position   bigint      NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
);

-- Partitions of ten million positions. The default partition catches what runs ahead of ensure_partitions(), so that
-- an append never fails for want of a partition.
CREATE TABLE event_store.events_default PARTITION OF event_store.events DEFAULT;

CREATE FUNCTION event_store.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'event_store.% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON event_store.events
    FOR EACH ROW EXECUTE FUNCTION event_store.refuse_change();
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON event_store.events
    FOR EACH STATEMENT EXECUTE FUNCTION event_store.refuse_change();
-- TRUNCATE of a partition does not fire the parent's statement trigger.
CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON event_store.events_default
    FOR EACH STATEMENT EXECUTE FUNCTION event_store.refuse_change();

-- Makes the partitions that hold the current position and the `ahead` next ones. Run by the owner role when migrating
-- and by the relay from time to time. Skips a range that the default partition already holds rows of.
CREATE FUNCTION event_store.ensure_partitions(ahead integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    size    CONSTANT bigint := 10000000;
    current bigint := (SELECT last_value / size FROM event_store.event_position);
    made    integer := 0;
    name    text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('event_store.ensure_partitions'));
    FOR number IN current .. current + ahead LOOP
        name := format('events_p%s', lpad(number::text, 6, '0'));
        CONTINUE WHEN to_regclass('event_store.' || name) IS NOT NULL;
        CONTINUE WHEN EXISTS (SELECT FROM event_store.events_default
                              WHERE position >= number * size AND position < (number + 1) * size);
        EXECUTE format('CREATE TABLE event_store.%I PARTITION OF event_store.events FOR VALUES FROM (%s) TO (%s)',
                       name, number * size, (number + 1) * size);
        EXECUTE format('CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON event_store.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION event_store.refuse_change()', name);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;
SELECT event_store.ensure_partitions();

-- Appends many commands' events in one call. `appends` is a JSON array of
--   {"stream_id", "category", "merchant_id", "expected_version" (0: the stream must not exist),
--    "events": [{"event_id", "type", "schema_version", "data", "metadata"}, ...] (at least one),
--    "idempotency": {"key", "fingerprint", "status", "response"} or null}
-- and every element is answered for itself, one row each, by its ordinal (from 1):
--   appended  version = the stream's new version, position = that of the last event
--   conflict  version = the stream's actual version (0: it does not exist); nothing written
--   seen      the idempotency key is known: its fingerprint, status, response, and the position that its command
--             reached; nothing written
-- A stream may stand in a call once (the caller splits); a key may stand twice, then the second is `seen`.
--
-- The order of the steps is what makes the log readable in order and free of deadlocks:
--   1. the transaction id is taken first, before any position: a reader can then prove that a gap is dead;
--   2. keys, then existing streams, then new streams are locked, each kind in sorted order, by every caller;
--   3. positions are drawn last, so positions rise along each stream.
CREATE FUNCTION event_store.append(appends jsonb)
RETURNS TABLE (ordinal bigint, outcome text, version bigint, "position" bigint,
               fingerprint text, status smallint, response text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    now_at     CONSTANT timestamptz := clock_timestamp();
    ords       bigint[];
    streams    uuid[];
    categories text[];
    merchants  text[];
    expected   bigint[];
    counts     bigint[];
    keys       text[];
    fresh      bigint[];          -- ordinals whose key, if any, was not known
    won        bigint[];          -- ordinals whose stream had the expected version
    lost       bigint[];
BEGIN
    PERFORM pg_current_xact_id();

    SELECT array_agg(a.ordinal), array_agg((a.item->>'stream_id')::uuid), array_agg(a.item->>'category'),
           array_agg(a.item->>'merchant_id'), array_agg((a.item->>'expected_version')::bigint),
           array_agg(jsonb_array_length(a.item->'events')::bigint),
           array_agg(a.item#>>'{idempotency,key}')
      INTO ords, streams, categories, merchants, expected, counts, keys
      FROM jsonb_array_elements(appends) WITH ORDINALITY AS a(item, ordinal);
    IF ords IS NULL THEN
        RETURN;
    END IF;
    IF (SELECT count(DISTINCT s) FROM unnest(streams) s) <> cardinality(streams) THEN
        RAISE EXCEPTION 'a stream may stand in one append call once' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF 0 = ANY (counts) OR EXISTS (SELECT FROM unnest(expected) e WHERE e IS NULL OR e < 0) THEN
        RAISE EXCEPTION 'an append needs events and an expected version' USING ERRCODE = 'invalid_parameter_value';
    END IF;

    IF EXISTS (SELECT FROM unnest(keys) k WHERE k IS NOT NULL) THEN
        -- DISTINCT ON: of two elements with one key the first is served; the second finds the key taken.
        WITH wanted AS (
            SELECT DISTINCT ON (k.merchant_id, k.key) k.*
              FROM unnest(ords, merchants, keys, streams, expected, counts)
                   AS k(ordinal, merchant_id, key, stream_id, expected, events)
             WHERE k.key IS NOT NULL
             ORDER BY k.merchant_id, k.key, k.ordinal
        ), taken AS (
            INSERT INTO event_store.idempotency_keys AS i
                   (merchant_id, key, fingerprint, status, response, stream_id, version, created_at)
            SELECT w.merchant_id, w.key, r.item->>'fingerprint', (r.item->>'status')::smallint,
                   r.item->>'response', w.stream_id, w.expected + w.events, now_at
              FROM wanted w, LATERAL (SELECT appends->(w.ordinal - 1)::integer->'idempotency' AS item) r
             ORDER BY w.merchant_id, w.key
            ON CONFLICT DO NOTHING
            RETURNING i.merchant_id, i.key
        )
        SELECT array_agg(o.ordinal ORDER BY o.ordinal) INTO fresh
          FROM unnest(ords, keys) AS o(ordinal, key)
         WHERE o.key IS NULL
            OR o.ordinal IN (SELECT w.ordinal FROM wanted w JOIN taken t USING (merchant_id, key));
    ELSE
        fresh := ords;
    END IF;

    WITH candidate AS (
        SELECT c.ordinal, c.stream_id, c.expected, c.events
          FROM unnest(ords, streams, expected, counts) AS c(ordinal, stream_id, expected, events)
         WHERE c.expected > 0 AND c.ordinal = ANY (fresh)
    ), locked AS (
        SELECT s.stream_id, s.version FROM event_store.streams s
         WHERE s.stream_id IN (SELECT c.stream_id FROM candidate c)
         ORDER BY s.stream_id FOR UPDATE
    ), bumped AS (
        UPDATE event_store.streams s SET version = s.version + c.events
          FROM candidate c JOIN locked l USING (stream_id)
         WHERE s.stream_id = c.stream_id AND l.version = c.expected
        RETURNING c.ordinal
    )
    SELECT coalesce(array_agg(b.ordinal), '{}') INTO won FROM bumped b;

    IF 0 = ANY (expected) THEN
        WITH candidate AS (
            SELECT c.ordinal, c.stream_id, c.category, c.merchant_id, c.events
              FROM unnest(ords, streams, categories, merchants, expected, counts)
                   AS c(ordinal, stream_id, category, merchant_id, expected, events)
             WHERE c.expected = 0 AND c.ordinal = ANY (fresh)
        ), made AS (
            INSERT INTO event_store.streams AS s (stream_id, category, merchant_id, version)
            SELECT c.stream_id, c.category, c.merchant_id, c.events FROM candidate c ORDER BY c.stream_id
            ON CONFLICT DO NOTHING
            RETURNING s.stream_id
        )
        SELECT won || coalesce(array_agg(c.ordinal), '{}') INTO won
          FROM candidate c JOIN made m USING (stream_id);
    END IF;

    SELECT coalesce(array_agg(f), '{}') INTO lost FROM unnest(fresh) f WHERE f <> ALL (won);

    RETURN QUERY
    WITH written AS (
        INSERT INTO event_store.events AS e
               (event_id, stream_id, version, category, type, schema_version, data, metadata, recorded_at)
        SELECT (v.item->>'event_id')::uuid, c.stream_id, c.expected + v.number, c.category, v.item->>'type',
               (v.item->>'schema_version')::integer, v.item->'data', v.item->'metadata', now_at
          FROM unnest(ords, streams, categories, expected) AS c(ordinal, stream_id, category, expected),
               LATERAL jsonb_array_elements(appends->(c.ordinal - 1)::integer->'events')
                       WITH ORDINALITY AS v(item, number)
         WHERE c.ordinal = ANY (won)
         ORDER BY c.ordinal, v.number
        RETURNING e.stream_id, e.version, e.position
    )
    SELECT c.ordinal, 'appended', max(w.version), max(w.position), NULL::text, NULL::smallint, NULL::text
      FROM unnest(ords, streams) AS c(ordinal, stream_id) JOIN written w USING (stream_id)
     GROUP BY c.ordinal;

    IF EXISTS (SELECT FROM unnest(keys) k WHERE k IS NOT NULL) THEN
        DELETE FROM event_store.idempotency_keys i
         USING unnest(ords, merchants, keys) AS c(ordinal, merchant_id, key)
         WHERE c.ordinal = ANY (lost) AND i.merchant_id = c.merchant_id AND i.key = c.key;

        -- A key whose only holder lost its version check within this very call is free again: a conflict, to try anew.
        RETURN QUERY
        SELECT c.ordinal, CASE WHEN i.key IS NULL THEN 'conflict' ELSE 'seen' END,
               CASE WHEN i.key IS NULL THEN coalesce(s.version, 0) END,
               (SELECT e.position FROM event_store.events e
                 WHERE e.stream_id = i.stream_id AND e.version = i.version),
               i.fingerprint, i.status, i.response
          FROM unnest(ords, merchants, keys, streams) AS c(ordinal, merchant_id, key, stream_id)
          LEFT JOIN event_store.idempotency_keys i ON i.merchant_id = c.merchant_id AND i.key = c.key
          LEFT JOIN event_store.streams s ON s.stream_id = c.stream_id
         WHERE c.ordinal <> ALL (coalesce(fresh, '{}'));
    END IF;

    IF cardinality(lost) > 0 THEN
        RETURN QUERY
        SELECT c.ordinal, 'conflict', coalesce(s.version, 0), NULL::bigint, NULL::text, NULL::smallint, NULL::text
          FROM unnest(ords, streams) AS c(ordinal, stream_id)
          LEFT JOIN event_store.streams s USING (stream_id)
         WHERE c.ordinal = ANY (lost);
    END IF;
END
$$;

REVOKE ALL ON ALL TABLES IN SCHEMA event_store FROM PUBLIC;
REVOKE ALL ON FUNCTION event_store.append(jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION event_store.ensure_partitions(integer) FROM PUBLIC;
GRANT USAGE ON SCHEMA event_store TO paystream_app, paystream_projector;
GRANT SELECT ON event_store.events, event_store.streams TO paystream_app, paystream_projector;
GRANT SELECT ON event_store.idempotency_keys TO paystream_app;
GRANT SELECT ON event_store.event_position TO paystream_app;
GRANT SELECT, INSERT, UPDATE ON event_store.relay_positions TO paystream_app;
GRANT EXECUTE ON FUNCTION event_store.append(jsonb) TO paystream_app;
GRANT EXECUTE ON FUNCTION event_store.ensure_partitions(integer) TO paystream_app;
