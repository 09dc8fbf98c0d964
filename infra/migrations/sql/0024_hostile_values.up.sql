-- What a role may do with the few functions that it has is bounded: whoever holds its password holds no more than that.

-- An event's data and metadata are objects: JSON's null is no SQL NULL, and would stand in the log for good. On the table, so
-- that it holds for every way in. NOT VALID: rows of before are not read, which would take as long as the log is.
ALTER TABLE event_store.events
    ADD CONSTRAINT event_is_well_formed CHECK (
        jsonb_typeof(data) = 'object' AND jsonb_typeof(metadata) = 'object' AND type <> '' AND category <> ''
        AND schema_version > 0 AND version > 0 AND position > 0
    ) NOT VALID;
ALTER TABLE event_store.streams
    ADD CONSTRAINT stream_is_well_formed CHECK (category <> '' AND merchant_id <> '') NOT VALID;

-- As before, but for the bound of who does not own the log: each partition costs every later plan and lock.
CREATE OR REPLACE FUNCTION event_store.ensure_partitions(ahead integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    size    CONSTANT bigint := 10000000;
    most    CONSTANT integer := 10;
    current bigint := (SELECT last_value / size FROM event_store.event_position);
    made    integer := 0;
    name    text;
BEGIN
    IF ahead IS NULL OR ahead < 0 OR ahead > most AND NOT pg_has_role(session_user, current_user, 'MEMBER') THEN
        RAISE EXCEPTION 'partitions are made 0 to % ahead', most USING ERRCODE = 'invalid_parameter_value';
    END IF;
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

-- Nothing is in the schema public but the migrations' own table, which the owner reads.
REVOKE ALL ON SCHEMA public FROM PUBLIC;

-- Anybody may make large objects, also who may only read, and they fill the disk. Their functions are PostgreSQL's own: only a
-- superuser can take them away; for an owner who is none, see docs/runbooks/database-roles.md.
DO $$
DECLARE
    called text;
BEGIN
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        RETURN;
    END IF;
    FOR called IN SELECT p.oid::regprocedure::text FROM pg_proc p
                   WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.proname ~ '^(lo_|loread$|lowrite$)' LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', called);
    END LOOP;
END
$$;
