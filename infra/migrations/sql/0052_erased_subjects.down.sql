-- What Stripe tells of an erased payment gets a new key again.
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

DROP FUNCTION privacy.erased_keys(text[], text[]);
REVOKE INSERT ON privacy.data_keys FROM paystream_erasure;
DROP TABLE privacy.erased_subjects;
