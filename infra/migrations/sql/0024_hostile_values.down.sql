ALTER TABLE event_store.events DROP CONSTRAINT event_is_well_formed;
ALTER TABLE event_store.streams DROP CONSTRAINT stream_is_well_formed;

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
        EXECUTE format('CREATE UNIQUE INDEX %I ON event_store.%I (event_id)', name || '_event_id', name);
        EXECUTE format('CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON event_store.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION event_store.refuse_change()', name);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

GRANT USAGE ON SCHEMA public TO PUBLIC;

-- All but lo_import and lo_export, which PostgreSQL keeps to superusers by itself.
DO $$
DECLARE
    called text;
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RETURN;
    END IF;
    FOR called IN SELECT p.oid::regprocedure::text FROM pg_proc p
                   WHERE p.pronamespace = 'pg_catalog'::regnamespace
                     AND p.proname ~ '^(lo_|loread$|lowrite$)' AND p.proname NOT IN ('lo_import', 'lo_export') LOOP
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO PUBLIC', called);
    END LOOP;
END
$$;
