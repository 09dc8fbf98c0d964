-- The keys of personal data: one for each subject, wrapped with a key that the database never sees. In a schema of their
-- own: who may read them, and what backups hold of them, is decided apart from everything else (docs/privacy.md).

DO $$
DECLARE
    role_name text;
BEGIN
    FOREACH role_name IN ARRAY ARRAY['paystream_privacy', 'paystream_erasure'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', role_name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;  -- roles belong to the cluster: another database may have made them, even at this moment
        END;
    END LOOP;
END
$$;

CREATE SCHEMA privacy;

CREATE TABLE privacy.data_keys (
    key_id       uuid        PRIMARY KEY,
    merchant_id  text        NOT NULL,
    subject      text        NOT NULL,  -- user:<user id>, or stripe:<id of what Stripe tells of>
    wrapped      bytea       NOT NULL,
    wrapping_key text        NOT NULL,  -- its id in PRIVACY_WRAPPING_KEYS
    created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (merchant_id, subject)
);

-- A key that was destroyed has a stream in the log, whose id is the key's. It is burned for ever: its row may come back with
-- a backup, and is as if it were not there.
CREATE VIEW privacy.usable_keys AS
SELECT k.key_id, k.merchant_id, k.subject, k.wrapped, k.wrapping_key
  FROM privacy.data_keys k
 WHERE NOT EXISTS (SELECT FROM event_store.streams s WHERE s.stream_id = k.key_id);

-- The usable key of each subject. `offered` is a JSON array of
--   {"key_id", "merchant_id", "subject", "wrapped" (hexadecimal), "wrapping_key"}
-- and a subject that has none gets its own. Rows that came back with a backup are removed here.
CREATE FUNCTION privacy.ensure_keys(offered jsonb)
RETURNS TABLE (key_id uuid, merchant_id text, subject text, wrapped bytea, wrapping_key text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    merchants text[];
    subjects  text[];
    lacking   bigint;
BEGIN
    SELECT array_agg(o->>'merchant_id'), array_agg(o->>'subject') INTO merchants, subjects
      FROM jsonb_array_elements(offered) o;
    SELECT count(*) INTO lacking
      FROM unnest(merchants, subjects) AS o(merchant_id, subject)
     WHERE NOT EXISTS (SELECT FROM privacy.usable_keys u
                        WHERE u.merchant_id = o.merchant_id AND u.subject = o.subject);
    IF lacking > 0 THEN
        -- The commit need not reach the disk by itself: that of the events that need the key comes later in the
        -- write-ahead log, and what is flushed for it has the key.
        PERFORM set_config('synchronous_commit', 'off', true);
        DELETE FROM privacy.data_keys k
         USING unnest(merchants, subjects) AS o(merchant_id, subject)
         WHERE k.merchant_id = o.merchant_id AND k.subject = o.subject
           AND EXISTS (SELECT FROM event_store.streams s WHERE s.stream_id = k.key_id);
        INSERT INTO privacy.data_keys (key_id, merchant_id, subject, wrapped, wrapping_key)
        SELECT (o->>'key_id')::uuid, o->>'merchant_id', o->>'subject', decode(o->>'wrapped', 'hex'), o->>'wrapping_key'
          FROM jsonb_array_elements(offered) o
         ORDER BY 2, 3  -- every caller in this order: no deadlock
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN QUERY
    SELECT u.key_id, u.merchant_id, u.subject, u.wrapped, u.wrapping_key
      FROM unnest(merchants, subjects) AS o(merchant_id, subject)
      JOIN privacy.usable_keys u ON u.merchant_id = o.merchant_id AND u.subject = o.subject;
END
$$;

-- Those of these keys that may still be used.
CREATE FUNCTION privacy.find_keys(wanted uuid[])
RETURNS TABLE (key_id uuid, merchant_id text, subject text, wrapped bytea, wrapping_key text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT u.key_id, u.merchant_id, u.subject, u.wrapped, u.wrapping_key
      FROM privacy.usable_keys u WHERE u.key_id = ANY (wanted)
$$;

REVOKE ALL ON FUNCTION privacy.ensure_keys(jsonb), privacy.find_keys(uuid[]) FROM PUBLIC;
GRANT USAGE ON SCHEMA privacy TO paystream_privacy, paystream_erasure;
GRANT EXECUTE ON FUNCTION privacy.ensure_keys(jsonb), privacy.find_keys(uuid[]) TO paystream_privacy, paystream_erasure;
-- Those that write personal data or show it in clear. The key that wraps these keys has only who needs them.
GRANT paystream_privacy TO paystream_app, paystream_projector;

-- Who compares the read model with the log reads keys, and makes none.
GRANT USAGE ON SCHEMA privacy TO paystream_audit;
GRANT EXECUTE ON FUNCTION privacy.find_keys(uuid[]) TO paystream_audit;

-- Who erases and exports: destroys keys, and reads and appends what the application does.
GRANT SELECT, DELETE, UPDATE ON privacy.data_keys TO paystream_erasure;
GRANT SELECT ON privacy.usable_keys TO paystream_erasure;
GRANT paystream_app TO paystream_erasure;

-- Retention: what is not needed any more is removed, a part at a time, by those who may not remove anything else.

-- Stored answers to commands, so long after they were given and after the last event of their stream; how many.
CREATE FUNCTION event_store.forget_answers(age interval, most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH old AS (
        SELECT k.merchant_id, k.key
          FROM event_store.idempotency_keys k
          JOIN event_store.streams s ON s.stream_id = k.stream_id
          LEFT JOIN event_store.events e ON e.position = s.last_position
         WHERE k.created_at < clock_timestamp() - age
           AND (s.last_position IS NULL OR e.recorded_at < clock_timestamp() - age)  -- NULL: none since migration 0016
         LIMIT most
    ), removed AS (
        DELETE FROM event_store.idempotency_keys i USING old
         WHERE i.merchant_id = old.merchant_id AND i.key = old.key
        RETURNING 1
    )
    SELECT count(*) FROM removed
$$;

-- Tasks that ended so long ago; how many. One whose event is delivered once more is made again, and looked up.
CREATE FUNCTION consumers.forget_tasks(age interval, most integer) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH old AS (
        SELECT event_id FROM consumers.gateway_tasks
         WHERE status = 'done' AND created_at < clock_timestamp() - age AND finished_at < clock_timestamp() - age
         LIMIT most FOR UPDATE SKIP LOCKED
    ), removed AS (
        DELETE FROM consumers.gateway_tasks t USING old WHERE t.event_id = old.event_id RETURNING 1
    )
    SELECT count(*) FROM removed
$$;

-- Keys of what Stripe told so long ago: which. The caller burns them in the log, in the same transaction.
CREATE FUNCTION privacy.expire_keys(age interval, most integer) RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF age < interval '30 days' THEN
        RAISE EXCEPTION 'what Stripe told is kept for 30 days at least' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    RETURN QUERY
    DELETE FROM privacy.data_keys k
     WHERE k.key_id IN (SELECT o.key_id FROM privacy.data_keys o
                         WHERE o.subject LIKE 'stripe:%' AND o.created_at < clock_timestamp() - age
                         LIMIT most FOR UPDATE SKIP LOCKED)
    RETURNING k.key_id;
END
$$;

REVOKE ALL ON FUNCTION event_store.forget_answers(interval, integer), consumers.forget_tasks(interval, integer),
    privacy.expire_keys(interval, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_store.forget_answers(interval, integer), consumers.forget_tasks(interval, integer)
    TO paystream_app;
GRANT EXECUTE ON FUNCTION privacy.expire_keys(interval, integer) TO paystream_privacy;
