-- name: archives
-- The archived parts of the log.
SELECT first_position, until_position, name, events, kept, first_index, sha256, categories, detached
  FROM event_store.archives ORDER BY first_position;

-- name: partitions
-- The partitions of the log, from the first on, but for the default one.
SELECT c.relname, bounds.found[1]::bigint, bounds.found[2]::bigint
  FROM pg_inherits i
  JOIN pg_class c ON c.oid = i.inhrelid
 CROSS JOIN LATERAL (SELECT regexp_match(pg_get_expr(c.relpartbound, c.oid), '\(''?(\d+)''?\) TO \(''?(\d+)''?\)')) AS bounds(found)
 WHERE i.inhparent = 'event_store.events'::regclass AND bounds.found IS NOT NULL
 ORDER BY 2;

-- name: owner
-- Whose the log is.
SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'event_store.events'::regclass;

-- name: in_default
-- Whether the default partition has events before a position: they would be behind those of the archive.
SELECT EXISTS (SELECT FROM event_store.events_default WHERE position < %(until)s);

-- name: newest_in
-- When the last event before a position was recorded; none: the partition is empty, and all before it.
SELECT recorded_at FROM event_store.events WHERE position < %(until)s ORDER BY position DESC LIMIT 1;

-- name: sealed_behind
-- The first checkpoint that has an event at a position or behind it: all before is sealed.
SELECT size, root, last_position, note FROM event_proofs.checkpoints WHERE last_position >= %(until)s ORDER BY size LIMIT 1;

-- name: consumed
-- How far consumers have come in some topics.
SELECT consumer, topic, partition, position FROM consumers.consumer_checkpoints WHERE topic = ANY (%(topics)s::text[]);

-- name: open_dead_letters
-- Events before a position of which a consumer could not apply something, and nobody has decided what becomes of it.
SELECT count(*) FROM consumers.dead_letters
 WHERE topic = ANY (%(topics)s::text[]) AND position < %(until)s AND status IN ('open', 'replaying');

-- name: count_between
-- How many events there are.
SELECT count(*) FROM event_store.events WHERE position >= %(first)s AND position < %(until)s;

-- name: lock
-- One archiving at a time; false while another one is under way. Until the connection ends.
SELECT pg_try_advisory_lock(hashtext('paystream.archive'));

-- name: unlock
-- Let others archive.
SELECT pg_advisory_unlock(hashtext('paystream.archive'));

-- name: open_transactions
-- The transactions that are open, but for autovacuum's, which has no user. Others cannot be asked how old what they see is; when
-- all of these have ended, nobody sees the log as it was before now.
SELECT l.virtualtransaction, l.pid
  FROM pg_locks l
 WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid()
   AND coalesce((SELECT a.datname = current_database() AND a.usename IS NOT NULL
                   FROM pg_stat_activity a WHERE a.pid = l.pid), true);

-- name: holders
-- Who has locked the log's tables, or waits for one.
SELECT DISTINCT l.pid, a.usename, a.application_name
  FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
 WHERE l.locktype = 'relation' AND l.pid <> pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.relation IN ('event_store.events'::regclass, to_regclass('event_store.' || %(partition)s));

-- name: hold_incarnation
-- Nobody recovers the log in this moment; and it is open.
SELECT s.closed_because FROM event_store.incarnation i CROSS JOIN event_store.log_state() s FOR SHARE OF i;

-- name: hold_partitions
-- Nobody makes partitions in this moment.
SELECT pg_advisory_xact_lock(hashtext('event_store.ensure_partitions'));

-- name: lock_within
-- Who waits for a lock longer than this gives up, so that nobody queues up behind; and one that is frozen loses its own.
SELECT set_config('lock_timeout', %(timeout)s, true), set_config('idle_in_transaction_session_timeout', '5s', true);

-- name: add
-- Say that a partition is archived.
INSERT INTO event_store.archives
       (first_position, until_position, name, events, kept, first_index, sha256, categories, detached, archived_by)
VALUES (%(first_position)s, %(until_position)s, %(name)s, %(events)s, %(kept)s, %(first_index)s, %(sha256)s, %(categories)s,
        %(detached)s, %(actor)s);

-- name: drop_noted
-- Say that the partition as it was is gone.
UPDATE event_store.archives SET detached = NULL, dropped_at = clock_timestamp() WHERE first_position = %(first_position)s;
