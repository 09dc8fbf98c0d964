-- Remembers the answer of a command that was accepted and had nothing to append: a confirmation that is under way already,
-- say. Without it, the same key would later be a new command. `stream_version`: the version of the stream that the answer
-- reflects. Returns no row when the answer was stored now, and else the one that is stored under the key.
CREATE FUNCTION event_store.remember(
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

REVOKE ALL ON FUNCTION event_store.remember(text, text, text, smallint, text, uuid, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_store.remember(text, text, text, smallint, text, uuid, bigint) TO paystream_app;
