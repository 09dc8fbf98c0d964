-- name: append
-- Append many commands' events, each answered for itself (see event_store.append in migration 0016).
SELECT ordinal, outcome, version, position, fingerprint, status, response
  FROM event_store.append(%(appends)s::jsonb, %(known_position)s);

-- name: append_owned
-- The same for commands that name ids of Stripe, each of which is one merchant's.
SELECT ordinal, outcome, version, position, fingerprint, status, response
  FROM event_store.append_owned(%(appends)s::jsonb, %(known_position)s::bigint, %(claim_ordinals)s::bigint[],
                                %(claim_merchants)s::text[], %(claim_ids)s::text[]);

-- name: refuse_event
-- Note an event that Kafka refuses; once is enough.
INSERT INTO event_store.refused_events (position, event_id, stream_id, type, reason)
VALUES (%(position)s, %(event_id)s, %(stream_id)s, %(type)s, %(reason)s)
ON CONFLICT (position) DO NOTHING;

-- name: refused_positions
-- Where the events are that Kafka refused.
SELECT position FROM event_store.refused_events WHERE position > %(position)s;

-- name: load
-- The events of some streams, each stream in order, optionally as of a version or a position.
SELECT position, event_id, stream_id, version, category, type, schema_version,
       data::text AS data, metadata, recorded_at
  FROM event_store.load_streams(%(stream_ids)s::uuid[],
                                coalesce(%(up_to_version)s::bigint, 9223372036854775807),
                                coalesce(%(up_to_position)s::bigint, 9223372036854775807));

-- name: stream_at
-- Whose event is at a position.
SELECT stream_id FROM event_store.events WHERE position = %(position)s;

-- name: find_response
-- The stored response to a command, and the position that it reached.
SELECT i.fingerprint, i.status, i.response, e.position
  FROM event_store.idempotency_keys i
  JOIN event_store.events e ON e.stream_id = i.stream_id AND e.version = i.version
 WHERE i.merchant_id = %(merchant_id)s AND i.key = %(key)s;

-- name: store_response
-- Store the response to a command that appended nothing; a row when its key is known (see event_store.remember).
SELECT fingerprint, status, response, position
  FROM event_store.remember(%(merchant_id)s, %(key)s, %(fingerprint)s, %(status)s::smallint, %(response)s,
                            %(stream_id)s, %(version)s);

-- name: read_log
-- What follows a position.
SELECT e.position, e.event_id, e.stream_id, e.version, e.category, e.type, e.schema_version,
       e.data::text AS data, e.metadata, e.recorded_at
  FROM event_store.events e
 WHERE e.position > %(cursor)s
 ORDER BY e.position
 LIMIT %(limit)s;

-- name: position_holders
-- The transactions that have drawn a position and have not ended: nextval locks its sequence until then.
SELECT l.virtualtransaction
  FROM pg_locks l
 WHERE l.locktype = 'relation' AND l.granted AND l.mode = 'RowExclusiveLock'
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.relation = 'event_store.event_position'::regclass;

-- name: last_drawn
-- The last position that anybody has drawn. A sequence has no snapshot: it is the one of this moment.
SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM event_store.event_position;

-- name: position_blockers
-- Whose transactions those are. The age of another role's is hidden from one that is no member of pg_read_all_stats.
SELECT l.pid, a.datname, a.usename, extract(epoch FROM clock_timestamp() - a.xact_start)::float8 AS age_s
  FROM pg_locks l LEFT JOIN pg_stat_activity a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.granted AND l.mode = 'RowExclusiveLock'
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND l.relation = 'event_store.event_position'::regclass
 ORDER BY a.xact_start NULLS FIRST, l.pid;

-- name: queue
-- How many positions wait behind one, from the first to the last that has an event, and when the first was recorded. Gaps
-- between them are counted: to exclude them would cost a read of all that waits.
SELECT coalesce(last.position - first.position + 1, 0), first.recorded_at
  FROM (VALUES (1)) AS always
  LEFT JOIN (SELECT position, recorded_at FROM event_store.events
              WHERE position > %(cursor)s ORDER BY position LIMIT 1) AS first ON true
  LEFT JOIN (SELECT position FROM event_store.events
              WHERE position > %(cursor)s ORDER BY position DESC LIMIT 1) AS last ON true;

-- name: standbys
-- Who follows this server, how far each has come, and where the WAL ends.
SELECT standby, reached, ends_at FROM event_store.standbys();

-- name: relay_heartbeat
-- Show that a relay is alive, and how far it has published (null: it does not know yet).
INSERT INTO event_store.relay_positions AS r (shard, position) VALUES (%(shard)s, coalesce(%(position)s::bigint, 0))
    ON CONFLICT (shard) DO UPDATE SET position = coalesce(%(position)s::bigint, r.position), updated_at = now();

-- name: relay_position
-- How far a relay had published when it was last seen.
SELECT position FROM event_store.relay_positions WHERE shard = %(shard)s;

-- name: known_shards
-- Every shard that a relay ever had.
SELECT shard FROM event_store.relay_positions;

-- name: take_partitions
-- Take the locks of a relay's partitions for as long as this connection lives; how many it could have. See docs/decisions/0010.
SELECT count(*) FILTER (WHERE pg_try_advisory_lock(hashtext('paystream.relay'), number))
  FROM unnest(%(partitions)s::integer[]) AS number;

-- name: release_partitions
-- Give back the locks of a relay that did not get all it wants.
SELECT pg_advisory_unlock_all();

-- name: end_silent_relays
-- End the connections of other relays that hold one of these partitions, unless one of these shards sent a heartbeat lately, or
-- it compares the log with Kafka, in a transaction in which nobody sees its heartbeats; how many were ended.
SELECT count(*) FILTER (WHERE pg_terminate_backend(holder.pid))
  FROM (SELECT DISTINCT l.pid FROM pg_locks l
         WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2
           AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND l.classid = hashtext('paystream.relay')::oid AND l.objid = ANY (%(partitions)s::integer[]::oid[])
           AND l.pid <> pg_backend_pid()
           AND NOT EXISTS (SELECT FROM pg_locks c
                            WHERE c.pid = l.pid AND c.locktype = 'advisory' AND c.granted AND c.objsubid = 1
                              AND c.database = l.database
                              AND (c.classid::bigint << 32 | c.objid::bigint) = hashtext('paystream.recovery')::bigint)
       ) AS holder
 WHERE NOT EXISTS (SELECT FROM event_store.relay_positions r
                    WHERE r.shard = ANY (%(shards)s::text[])
                      AND r.updated_at > clock_timestamp() - make_interval(secs => %(silent_s)s));

-- name: ensure_partitions
-- Make the partitions of the log that the next appends will need.
SELECT event_store.ensure_partitions();

-- name: log_state
-- Which log this is, in which epoch, and why it is closed (null: it is open).
SELECT log_id, epoch, closed_because, only_started FROM event_store.log_state();

-- name: close_log_behind
-- Close a log that ends before a position that was given out: it went back, and nothing else has noticed.
SELECT event_store.close_log(
           format('it ends at position %%s, but position %%s was given out before', here.position, known.position))
  FROM (SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS position FROM event_store.event_position) here,
       (SELECT %(known_position)s::bigint AS position) known
 WHERE known.position > here.position;

-- name: close_log
-- Have nothing appended, published or sent to Stripe until the log was compared with Kafka.
SELECT event_store.close_log(%(reason)s);
