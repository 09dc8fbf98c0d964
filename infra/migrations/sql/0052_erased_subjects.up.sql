-- What Stripe tells late of an erased payment is erased as well: its subject gets no new key, ever. A user may come back,
-- and gets one.

CREATE TABLE privacy.erased_subjects (
    merchant_id text        NOT NULL,
    subject     text        NOT NULL CHECK (subject LIKE 'stripe:%'),
    key_id      uuid        NOT NULL,  -- burned in the log: what comes later names it, and is encrypted with keys that nobody keeps
    erased_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (merchant_id, subject)
);
GRANT SELECT, INSERT ON privacy.erased_subjects TO paystream_erasure;

-- Who erases holds the place of a key that may be made at the same moment (see `hold_subjects` in erase.sql).
GRANT INSERT ON privacy.data_keys TO paystream_erasure;

-- Those of some subjects that get no key any more, each with a key id that is burned: it was erased, or its row came back
-- with a backup of before the erasure.
CREATE FUNCTION privacy.erased_keys(merchant_ids text[], subjects text[])
RETURNS TABLE (merchant_id text, subject text, key_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT o.merchant_id, o.subject, coalesce(e.key_id, k.key_id)
      FROM unnest(merchant_ids, subjects) AS o(merchant_id, subject)
      LEFT JOIN privacy.erased_subjects e ON e.merchant_id = o.merchant_id AND e.subject = o.subject
      LEFT JOIN privacy.data_keys k
             ON k.merchant_id = o.merchant_id AND k.subject = o.subject
            AND EXISTS (SELECT FROM event_store.streams s WHERE s.stream_id = k.key_id)
     WHERE o.subject LIKE 'stripe:%' AND coalesce(e.key_id, k.key_id) IS NOT NULL
$$;
REVOKE ALL ON FUNCTION privacy.erased_keys(text[], text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION privacy.erased_keys(text[], text[]) TO paystream_privacy, paystream_erasure;

-- As before, but those that `erased_keys` names get no key and no row.
CREATE OR REPLACE FUNCTION privacy.ensure_keys(offered jsonb)
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
         WHERE k.merchant_id = o.merchant_id AND k.subject = o.subject AND k.subject NOT LIKE 'stripe:%'
           AND EXISTS (SELECT FROM event_store.streams s WHERE s.stream_id = k.key_id);
        INSERT INTO privacy.data_keys (key_id, merchant_id, subject, wrapped, wrapping_key)
        SELECT (o->>'key_id')::uuid, o->>'merchant_id', o->>'subject', decode(o->>'wrapped', 'hex'), o->>'wrapping_key'
          FROM jsonb_array_elements(offered) o
         WHERE NOT EXISTS (SELECT FROM privacy.erased_subjects e
                            WHERE e.merchant_id = o->>'merchant_id' AND e.subject = o->>'subject')
         ORDER BY 2, 3  -- every caller in this order: no deadlock
        ON CONFLICT DO NOTHING;
        -- An erasure that ended while the insert waited for it is seen by this statement.
        DELETE FROM privacy.data_keys k
         USING jsonb_array_elements(offered) o, privacy.erased_subjects e
         WHERE k.key_id = (o->>'key_id')::uuid AND e.merchant_id = k.merchant_id AND e.subject = k.subject;
    END IF;
    RETURN QUERY
    SELECT u.key_id, u.merchant_id, u.subject, u.wrapped, u.wrapping_key
      FROM unnest(merchants, subjects) AS o(merchant_id, subject)
      JOIN privacy.usable_keys u ON u.merchant_id = o.merchant_id AND u.subject = o.subject
     WHERE NOT EXISTS (SELECT FROM privacy.erased_subjects e
                        WHERE e.merchant_id = o.merchant_id AND e.subject = o.subject);
END
$$;
