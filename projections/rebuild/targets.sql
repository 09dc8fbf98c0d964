-- name: checkpoints
-- How far the projector has come in each partition of some topics: with one projection, and with any.
SELECT topic, partition, max(position) FILTER (WHERE consumer = %(consumer)s) AS own, max(position) AS newest
  FROM consumers.consumer_checkpoints
 WHERE starts_with(consumer, %(prefix)s) AND topic = ANY (%(topics)s::text[])
 GROUP BY topic, partition;

-- name: dead_letters
-- Events that the projector's checkpoints lack as dead letters, until they are replayed, and whether this one does.
SELECT topic, partition, position, %(consumer)s::text = ANY (lacking) AS is_own
  FROM consumers.dead_letters
 WHERE consumer = %(projector)s AND topic = ANY (%(topics)s::text[]) AND position IS NOT NULL AND status <> 'applied';

-- name: events_at
-- Single events, in order.
SELECT e.position, e.event_id, e.stream_id, e.version, e.category, e.type, e.schema_version,
       e.data::text AS data, e.metadata, e.recorded_at
  FROM event_store.events e
 WHERE e.position = ANY (%(positions)s::bigint[])
 ORDER BY e.position;

-- name: lock
-- The projector waits with this projection's partitions until the transaction ends; where it has to join, with those of all.
SELECT c.topic, c.partition
  FROM consumers.consumer_checkpoints c
 WHERE c.consumer = %(consumer)s
    OR (starts_with(c.consumer, %(prefix)s)
        AND (c.topic, c.partition) IN (SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::integer[])))
 ORDER BY c.topic, c.partition, c.consumer
   FOR UPDATE;

-- name: move
-- The projector goes on where the rebuilt tables stand; nowhere back.
UPDATE consumers.consumer_checkpoints c
   SET position = moved.position, updated_at = now()
  FROM unnest(%(topics)s::text[], %(partitions)s::integer[], %(positions)s::bigint[]) AS moved(topic, partition, position)
 WHERE c.consumer = %(consumer)s AND c.topic = moved.topic AND c.partition = moved.partition
   AND c.position < moved.position;

-- name: forget_untouched
-- A partition without an event has no checkpoint, but for the time of a swap.
DELETE FROM consumers.consumer_checkpoints
 WHERE consumer = %(consumer)s AND position = 0
   AND (topic, partition) IN (SELECT * FROM unnest(%(topics)s::text[], %(partitions)s::integer[]));

-- name: lack
-- One that joins lacks the dead letters that it has skipped: their replay applies them to it too.
UPDATE consumers.dead_letters
   SET lacking = lacking || %(consumer)s::text
 WHERE consumer = %(projector)s AND topic = ANY (%(topics)s::text[]) AND position = ANY (%(positions)s::bigint[])
   AND status <> 'applied' AND NOT %(consumer)s::text = ANY (lacking);

-- name: behind
-- How many events of some categories stand behind a position; counted up to a limit, among those that follow next.
SELECT count(*)
  FROM (SELECT FROM (SELECT category FROM event_store.events
                      WHERE position > %(position)s ORDER BY position LIMIT %(looked_at)s) AS next
         WHERE category = ANY (%(categories)s::text[]) LIMIT %(limit)s) AS following;

-- name: by_index
-- The tables grow while plans that were made for small ones are kept: those look everything up by an index.
SET LOCAL enable_seqscan = off;

-- name: by_any_plan
-- As it was.
SET LOCAL enable_seqscan = on;

-- name: one_snapshot
-- All of the transaction sees the same.
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;

-- name: give_up_after
-- Who waits for a lock longer than this gives up, so that nobody queues up behind; and a process that is frozen with locks
-- loses them.
SELECT set_config('lock_timeout', %(timeout)s, true), set_config('idle_in_transaction_session_timeout', '3s', true);
