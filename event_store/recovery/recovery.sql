-- name: wait_for_kafka
-- For this transaction: Kafka is read within it, and may be slow. The login's limit (migration 0041) is shorter.
SELECT set_config('idle_in_transaction_session_timeout', '60s', true);

-- name: whole_up_to
-- Up to which position the log is whole, whatever it lost. A relay writes how far it has read the log into the same database, after
-- all that it had read: a log that has this position has that as well. 0 when the positions cannot be of this log.
SELECT CASE WHEN known.position <= s.last_value THEN known.position ELSE 0 END
  FROM event_store.event_position s, (SELECT coalesce(max(position), 0) AS position FROM event_store.relay_positions) known;

-- name: logged
-- The events behind a position and up to another, and those at these positions; but for those that Kafka refused.
SELECT position, event_id, stream_id, version, category, type FROM event_store.events e
 WHERE position > %(position)s AND position <= %(until)s
   AND NOT EXISTS (SELECT FROM event_store.refused_events r WHERE r.position = e.position)
UNION
SELECT position, event_id, stream_id, version, category, type FROM event_store.events WHERE position = ANY(%(positions)s::bigint[]);

-- name: at_version
-- The event of a stream at a version.
SELECT position, event_id, stream_id, version, category, type
  FROM event_store.load_streams(ARRAY[%(stream_id)s::uuid], %(version)s, NULL)
 WHERE version = %(version)s;

-- name: count_behind
-- How many events there are behind a position.
SELECT count(*) FROM event_store.events WHERE position > %(position)s;

-- name: versions
-- What versions these streams have.
SELECT stream_id, version FROM event_store.streams WHERE stream_id = ANY(%(stream_ids)s::uuid[]);

-- name: lock
-- One comparison at a time; false when another one is under way. Until the connection ends, or `unlock`.
SELECT pg_try_advisory_lock(hashtext('paystream.recovery'));

-- name: unlock
-- Let others compare.
SELECT pg_advisory_unlock(hashtext('paystream.recovery'));

-- name: write_back
-- Put events where they were (see event_store.write_back in migration 0016).
SELECT event_store.write_back(%(lost)s::jsonb);

-- name: claim_stripe_ids
-- Let what is written back name ids of Stripe as it did (see event_store.claim_stripe_ids in the migration of access).
SELECT event_store.claim_stripe_ids(%(position)s);

-- name: follow_access
-- Let what is written back end API keys as it did (see event_store.follow_access in migration 0047).
SELECT event_store.follow_access(%(position)s);

-- name: reopen
-- Open the log on this PostgreSQL, in a new epoch; which.
SELECT event_store.reopen_log(%(highest_epoch)s, %(highest_position)s, %(report)s::jsonb);

-- name: began
-- Which log this is, and above what position it has the new events of an epoch.
SELECT i.log_id, r.positions_from FROM event_store.recoveries r CROSS JOIN event_store.log_state() i WHERE r.epoch = %(epoch)s;

-- name: open_uncompared
-- Open a log that was closed by a start of PostgreSQL alone, because an operator said so; the epoch.
SELECT event_store.verify_start(%(actor)s, %(reason)s);

-- name: missing
-- Which of these events, by position and id, the log does not have, and has not archived either.
SELECT t.position
  FROM unnest(%(positions)s::bigint[], %(event_ids)s::uuid[]) AS t(position, event_id)
 WHERE NOT EXISTS (SELECT FROM event_store.events e
                    WHERE e.position = t.position AND e.event_id = coalesce(t.event_id, e.event_id))
   AND NOT EXISTS (SELECT FROM event_store.archives a
                    WHERE t.position >= a.first_position AND t.position < a.until_position);

-- name: recorded_at
-- When the last event up to a position was recorded.
SELECT recorded_at FROM event_store.events WHERE position <= %(position)s ORDER BY position DESC LIMIT 1;

-- name: last_recovery
-- How the log was opened last.
SELECT report FROM event_store.recoveries ORDER BY epoch DESC LIMIT 1;

-- name: known_streams
-- Which of these streams the log has.
SELECT stream_id FROM event_store.streams WHERE stream_id = ANY(%(stream_ids)s::uuid[]);

-- name: known_positions
-- At which of these positions a stream has its event.
SELECT t.position FROM unnest(%(positions)s::bigint[], %(stream_ids)s::uuid[]) AS t(position, stream_id)
  JOIN event_store.events e ON e.position = t.position AND e.stream_id = t.stream_id;

-- name: take_back_to_end
-- Have consumers that applied what is behind the end of the log stand at its end; which they are. A consumer may have had records
-- in hand while the log went back, and what it did with them was committed to the log that came.
WITH log AS (SELECT coalesce(max(position), 0) AS until FROM event_store.events)
UPDATE consumers.consumer_checkpoints c SET position = log.until, updated_at = now() FROM log WHERE c.position > log.until
RETURNING c.consumer;

-- name: take_back_checkpoints
-- Have consumers apply again what comes after a position: some of what they applied is not in the log.
UPDATE consumers.consumer_checkpoints SET position = %(position)s, updated_at = now() WHERE position > %(position)s;

-- name: end_tasks_without_event
-- Have no call made for an event that is not in the log, and nothing wait for it.
UPDATE consumers.gateway_tasks t
   SET status = 'done', lease_token = NULL, last_error = 'its event is not in the log', finished_at = clock_timestamp()
 WHERE t.position > %(position)s AND t.status <> 'done' AND t.operation <> 'refresh_payment'
   AND NOT EXISTS (SELECT FROM event_store.events e WHERE e.position = t.position AND e.event_id = t.event_id);
