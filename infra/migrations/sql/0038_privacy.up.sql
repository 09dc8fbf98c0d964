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
