DROP FUNCTION event_store.write_back(jsonb);
DROP FUNCTION event_store.reopen_log(integer, bigint, jsonb);
DROP FUNCTION event_store.close_log(text);
DROP FUNCTION event_store.verify_start(text, text);
DROP FUNCTION event_store.leap(bigint);
DROP FUNCTION event_store.log_state();
DROP FUNCTION event_store.append(jsonb, bigint);
DROP FUNCTION event_store.load_streams(uuid[], bigint, bigint);
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
REVOKE ALL ON FUNCTION event_store.append(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_store.append(jsonb) TO paystream_app;
CREATE OR REPLACE FUNCTION event_store.remember(
    merchant text, idempotency_key text, request_fingerprint text, answer_status smallint, answer text,
    stream uuid, stream_version bigint
) RETURNS TABLE (fingerprint text, status smallint, response text, "position" bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    LOOP
        INSERT INTO event_store.idempotency_keys
               (merchant_id, key, fingerprint, status, response, stream_id, version, created_at)
        SELECT merchant, idempotency_key, request_fingerprint, answer_status, answer, s.stream_id, stream_version,
               clock_timestamp()
          FROM event_store.streams s
         WHERE s.stream_id = stream AND s.merchant_id = merchant AND stream_version BETWEEN 1 AND s.version
        ON CONFLICT DO NOTHING;
        IF FOUND THEN
            RETURN;
        END IF;
        IF NOT EXISTS (SELECT FROM event_store.streams s
                        WHERE s.stream_id = stream AND s.merchant_id = merchant
                          AND stream_version BETWEEN 1 AND s.version) THEN
            RAISE EXCEPTION 'the merchant has no stream % at version %', stream, stream_version
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        RETURN QUERY
        SELECT i.fingerprint, i.status, i.response, e.position
          FROM event_store.idempotency_keys i
          JOIN event_store.events e ON e.stream_id = i.stream_id AND e.version = i.version
         WHERE i.merchant_id = merchant AND i.key = idempotency_key;
        IF FOUND THEN
            RETURN;
        END IF;
        -- Whoever held the key meanwhile lost its version check and gave it back.
    END LOOP;
END
$$;
CREATE OR REPLACE FUNCTION event_store.ensure_partitions(ahead integer DEFAULT 3) RETURNS integer
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
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'event_store.events'::regclass LOOP
        EXECUTE format('DROP INDEX IF EXISTS event_store.%I', split_part(name, '.', 2) || '_event_id');
    END LOOP;
END
$$;
DROP FUNCTION event_store.require_open();
DROP FUNCTION event_store.server_identity();
DROP TABLE event_store.recoveries;
DROP TABLE event_store.incarnation;
DELETE FROM event_store.idempotency_keys WHERE response IS NULL;
ALTER TABLE event_store.idempotency_keys ALTER COLUMN response SET NOT NULL;
ALTER TABLE event_store.streams DROP COLUMN first_position, DROP COLUMN last_position;
-- The role stays: roles belong to the cluster, and another database may use it.
REVOKE ALL ON ALL TABLES IN SCHEMA event_store FROM paystream_relay;
REVOKE USAGE ON SCHEMA event_store FROM paystream_relay;
