CREATE OR REPLACE FUNCTION event_store.append(appends jsonb, known_position bigint DEFAULT 0)
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
    opening    bigint[] := '{}';  -- ordinals of streams that nobody has made yet
    lost       bigint[];
    foreign_stream uuid;
    positions  bigint[];          -- those of all that is written, in the order of the ordinals
    starts     bigint[];          -- for each ordinal, how many of them come before its own
    log_end    CONSTANT bigint := (SELECT CASE WHEN is_called THEN last_value ELSE 0 END
                                     FROM event_store.event_position);
BEGIN
    PERFORM event_store.require_open();
    PERFORM pg_current_xact_id();
    IF known_position > log_end THEN
        RAISE EXCEPTION 'the log is closed: it ends at position %, but position % was given out before', log_end,
            known_position
            USING ERRCODE = '57PS1', HINT = 'It opens once it was compared with Kafka. See: paystream recover --dry-run';
    END IF;

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
        SELECT c.*
          FROM unnest(ords, streams, categories, merchants, expected)
               AS c(ordinal, stream_id, category, merchant_id, expected)
         WHERE c.expected > 0 AND c.ordinal = ANY (fresh)
    ), locked AS (
        SELECT s.stream_id, s.version, s.category, s.merchant_id FROM event_store.streams s
         WHERE s.stream_id IN (SELECT c.stream_id FROM candidate c)
         ORDER BY s.stream_id FOR UPDATE
    )
    SELECT coalesce(array_agg(c.ordinal) FILTER (WHERE l.version = c.expected), '{}'),
           (array_agg(c.stream_id) FILTER (WHERE (l.category, l.merchant_id) <> (c.category, c.merchant_id)))[1]
      INTO won, foreign_stream
      FROM candidate c JOIN locked l USING (stream_id);
    IF foreign_stream IS NOT NULL THEN
        RAISE EXCEPTION 'stream % is of another category or merchant', foreign_stream
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF 0 = ANY (expected) THEN
        SELECT coalesce(array_agg(c.ordinal), '{}') INTO opening
          FROM unnest(ords, streams, expected) AS c(ordinal, stream_id, expected)
         WHERE c.expected = 0 AND c.ordinal = ANY (fresh)
           AND NOT EXISTS (SELECT FROM event_store.streams s WHERE s.stream_id = c.stream_id);
    END IF;

    SELECT array_agg(w.before ORDER BY w.ordinal) INTO starts
      FROM (SELECT c.ordinal,
                   coalesce(sum(c.events) FILTER (WHERE c.ordinal = ANY (won || opening))
                            OVER (ORDER BY c.ordinal ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
              FROM unnest(ords, counts) AS c(ordinal, events)) w;
    positions := ARRAY(
        SELECT nextval('event_store.event_position')
          FROM generate_series(1, (SELECT sum(c.events) FROM unnest(ords, counts) AS c(ordinal, events)
                                    WHERE c.ordinal = ANY (won || opening))));

    UPDATE event_store.streams s
       SET version = s.version + c.events,
           last_position = positions[c.start + c.events],
           first_position = coalesce(s.first_position, (SELECT min(e.position) FROM event_store.events e
                                                         WHERE e.stream_id = s.stream_id))
      FROM unnest(ords, streams, counts, starts) AS c(ordinal, stream_id, events, start)
     WHERE c.ordinal = ANY (won) AND s.stream_id = c.stream_id;

    IF cardinality(opening) > 0 THEN
        WITH made AS (
            INSERT INTO event_store.streams AS s
                   (stream_id, category, merchant_id, version, first_position, last_position)
            SELECT c.stream_id, c.category, c.merchant_id, c.events, positions[c.start + 1],
                   positions[c.start + c.events]
              FROM unnest(ords, streams, categories, merchants, counts, starts)
                   AS c(ordinal, stream_id, category, merchant_id, events, start)
             WHERE c.ordinal = ANY (opening)
             ORDER BY c.stream_id
            ON CONFLICT DO NOTHING
            RETURNING s.stream_id
        )
        SELECT won || coalesce(array_agg(c.ordinal), '{}') INTO won
          FROM unnest(ords, streams) AS c(ordinal, stream_id) JOIN made m USING (stream_id);
    END IF;

    SELECT coalesce(array_agg(f), '{}') INTO lost FROM unnest(fresh) f WHERE f <> ALL (won);

    INSERT INTO event_store.events AS e
           (position, event_id, stream_id, version, category, type, schema_version, data, metadata, recorded_at)
    SELECT positions[c.start + v.number], (v.item->>'event_id')::uuid, c.stream_id, c.expected + v.number, c.category,
           v.item->>'type', (v.item->>'schema_version')::integer, v.item->'data', v.item->'metadata', now_at
      FROM unnest(ords, streams, categories, expected, starts) AS c(ordinal, stream_id, category, expected, start),
           LATERAL jsonb_array_elements(appends->(c.ordinal - 1)::integer->'events') WITH ORDINALITY AS v(item, number)
     WHERE c.ordinal = ANY (won)
     ORDER BY c.ordinal, v.number;

    RETURN QUERY
    SELECT c.ordinal, 'appended', c.expected + c.events, positions[c.start + c.events], NULL::text, NULL::smallint,
           NULL::text
      FROM unnest(ords, expected, counts, starts) AS c(ordinal, expected, events, start)
     WHERE c.ordinal = ANY (won);

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