-- Whether an append is possible now: for `paystream doctor`. A SELECT is answered on a standby, by a closed log and on a full disk.
CREATE TABLE event_store.append_trial (filler text NOT NULL);
ALTER TABLE event_store.append_trial ALTER COLUMN filler SET STORAGE PLAIN;  -- in its pages, uncompressed
COMMENT ON TABLE event_store.append_trial IS 'always empty: what event_store.try_append() writes is rolled back';

-- Does what every append does first (an open log, a transaction that may write, the locks), and allocates 16 new pages in the
-- tablespace of the database. TRUNCATE gives the table a new file: free pages of an old one would show nothing about the disk.
-- All of it is rolled back here, whatever the caller does, and no position is drawn.
CREATE FUNCTION event_store.try_append() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM event_store.require_open();
    PERFORM pg_current_xact_id();
    BEGIN
        LOCK TABLE ONLY event_store.idempotency_keys, ONLY event_store.streams, ONLY event_store.events
            IN ROW EXCLUSIVE MODE;
        TRUNCATE event_store.append_trial;
        INSERT INTO event_store.append_trial SELECT repeat('x', 7000) FROM generate_series(1, 16);
        RAISE EXCEPTION 'it is possible' USING ERRCODE = '57PS2';
    EXCEPTION WHEN SQLSTATE '57PS2' THEN
        NULL;
    END;
END
$$;
REVOKE ALL ON FUNCTION event_store.try_append() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_store.try_append() TO paystream_app;
