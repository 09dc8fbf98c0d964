-- Who follows this server, for the metrics of the relay. PostgreSQL shows who is no member of pg_monitor how many there
-- are, and nothing else of them. So the owner looks, if it may, and the relay learns of standbys alone. What follows a
-- part of the data (logical replication), or makes a copy, is no standby. On a standby itself, the end is null.
CREATE FUNCTION event_store.standbys() RETURNS TABLE (standby text, reached bigint, ends_at bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT r.application_name,
           pg_wal_lsn_diff(coalesce(r.replay_lsn, r.flush_lsn), '0/0')::bigint,
           CASE WHEN NOT pg_is_in_recovery() THEN pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint END
      FROM pg_stat_replication AS r
      LEFT JOIN pg_replication_slots AS slot ON slot.active_pid = r.pid
     WHERE slot.slot_type IS DISTINCT FROM 'logical' AND r.state IS DISTINCT FROM 'backup'
$$;
COMMENT ON FUNCTION event_store.standbys() IS
    'The standbys that are connected: up to which byte of the WAL each has replayed it, and where it ends. Names and '
    'bytes are null when the owner of this function is neither a superuser nor a member of pg_monitor.';
REVOKE ALL ON FUNCTION event_store.standbys() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_store.standbys() TO paystream_relay;
