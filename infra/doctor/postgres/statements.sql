-- name: server
-- What it is, and who we are there.
SELECT current_setting('server_version') AS version,
       current_setting('server_version_num')::integer AS version_number,
       pg_is_in_recovery() AS standby,
       current_user AS role

-- name: capacity
-- How many connections there are for roles that are no superusers. reserved_connections came with version 16.
SELECT current_setting('max_connections')::integer
       - current_setting('superuser_reserved_connections')::integer
       - coalesce(current_setting('reserved_connections', true)::integer, 0)

-- name: revision
-- The newest migration that was applied.
SELECT version_num FROM public.alembic_version

-- name: table_rights
-- What this role may do with each of our tables and views. By oid: a name in a schema that is closed to us is an error.
SELECT n.nspname || '.' || c.relname AS name,
       array_remove(ARRAY[
           CASE WHEN has_table_privilege(c.oid, 'SELECT') THEN 'SELECT' END,
           CASE WHEN has_table_privilege(c.oid, 'INSERT') THEN 'INSERT' END,
           CASE WHEN has_table_privilege(c.oid, 'UPDATE') THEN 'UPDATE' END,
           CASE WHEN has_table_privilege(c.oid, 'DELETE') THEN 'DELETE' END,
           CASE WHEN has_table_privilege(c.oid, 'TRUNCATE') THEN 'TRUNCATE' END
       ], NULL) AS rights
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('event_store', 'event_proofs', 'consumers', 'read_model')
   AND c.relkind IN ('r', 'p', 'v')
   AND has_schema_privilege(n.oid, 'USAGE')

-- name: tables
-- Our tables and views, also those that this role may not read.
SELECT n.nspname || '.' || c.relname
  FROM pg_catalog.pg_class c
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname IN ('event_store', 'event_proofs', 'consumers', 'read_model') AND c.relkind IN ('r', 'p', 'v')

-- name: may_append
-- Whether this role may call the one way into the log.
SELECT coalesce(bool_or(has_function_privilege(p.oid, 'EXECUTE') AND has_schema_privilege(n.oid, 'USAGE')), false)
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = 'event_store' AND p.proname = 'append'

-- name: may_recover
-- Whether this role may open a closed log; null before the migration that brings it.
SELECT bool_or(has_function_privilege(p.oid, 'EXECUTE') AND has_schema_privilege(n.oid, 'USAGE'))
  FROM pg_catalog.pg_proc p
  JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE n.nspname = 'event_store' AND p.proname = 'reopen_log'

-- name: other_ways
-- What PostgreSQL lets anybody do unless it is taken away: this role beside its tables.
SELECT 'make large objects' WHERE has_function_privilege('pg_catalog.lo_create(oid)', 'EXECUTE')
 UNION ALL
SELECT 'connect to the database ' || d.datname
  FROM pg_catalog.pg_database d
 WHERE d.datname <> current_database() AND d.datallowconn AND has_database_privilege(d.oid, 'CONNECT')
 ORDER BY 1

-- name: appending
-- Transactions that have drawn a position in the log and have not ended: they hold the lock of its sequence.
SELECT l.virtualtransaction, l.pid, a.datname, a.usename
  FROM pg_catalog.pg_locks l
  JOIN pg_catalog.pg_class c ON c.oid = l.relation
  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.granted AND l.mode = 'RowExclusiveLock'
   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
   AND n.nspname = 'event_store' AND c.relname = 'event_position'

-- name: standbys
-- Who follows this server, and how far the furthest synchronous one is behind. Hidden columns are null.
SELECT current_setting('synchronous_standby_names') AS names,
       current_setting('synchronous_commit') AS commit,
       count(r.pid)::integer AS connected,
       CASE WHEN count(r.sync_state) = count(r.pid)
            THEN (count(*) FILTER (WHERE r.sync_state IN ('sync', 'quorum')))::integer END AS synchronous,
       min(pg_wal_lsn_diff(pg_current_wal_lsn(), r.flush_lsn))
           FILTER (WHERE r.sync_state IN ('sync', 'quorum'))::bigint AS behind_bytes
  FROM pg_catalog.pg_stat_replication r

-- name: archiving
-- Whether the write-ahead log is archived, and when that last succeeded and failed.
SELECT current_setting('archive_mode') AS mode, last_archived_time AS archived_at, last_failed_time AS failed_at
  FROM pg_catalog.pg_stat_archiver

-- name: try_append
-- Do what an append does, in a transaction that is rolled back (migration 0059).
SELECT event_store.try_append()
