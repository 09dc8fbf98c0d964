-- name: create_checkpoints
-- A consumer's first batch of a partition starts at 0: before every event. Dead letters may be there already, when
-- checkpoints were deleted to apply everything again.
INSERT INTO consumers.consumer_checkpoints (consumer, topic, partition, dead_letters_until, dead_letters_acknowledged_through)
SELECT created.name, %(topic)s, %(partition)s,
       CASE WHEN EXISTS (SELECT FROM consumers.dead_letters d
                          WHERE d.consumer = %(consumer)s AND d.topic = %(topic)s AND d.partition = %(partition)s
                            AND d.status IN ('open', 'replaying') AND d.position IS NOT NULL)
            THEN 9223372036854775807
            ELSE coalesce((SELECT max(d.position) FROM consumers.dead_letters d
                            WHERE d.consumer = %(consumer)s AND d.topic = %(topic)s AND d.partition = %(partition)s), 0)
       END,
       coalesce((SELECT max(d.id) FROM consumers.dead_letters d WHERE d.consumer = %(consumer)s), 0)
  FROM unnest(%(names)s::text[]) AS created(name)
ON CONFLICT DO NOTHING;

-- name: lock_checkpoint
-- Held to the end of the transaction: of two members that both think they own the partition, one waits. What concerns
-- dead letters is in the same row, since a lock that waited sees the newest version of its own row only, not of other tables.
SELECT consumer, position, dead_letters_until, dead_letters_acknowledged_through AS acknowledged_through
  FROM consumers.consumer_checkpoints
 WHERE consumer = %(name)s AND topic = %(topic)s AND partition = %(partition)s
   FOR UPDATE;

-- name: move_checkpoint
-- Together with the effects of all events up to it.
UPDATE consumers.consumer_checkpoints
   SET position = %(position)s, updated_at = now()
 WHERE consumer = %(name)s AND topic = %(topic)s AND partition = %(partition)s;

-- name: lock_checkpoints
-- As lock_checkpoint, for consumers with several: in one round trip, always in the same order.
SELECT consumer, position, dead_letters_until, dead_letters_acknowledged_through AS acknowledged_through
  FROM consumers.consumer_checkpoints
 WHERE consumer = ANY(%(names)s::text[]) AND topic = %(topic)s AND partition = %(partition)s
 ORDER BY array_position(%(names)s::text[], consumer)
   FOR UPDATE;

-- name: move_checkpoints
-- As move_checkpoint, for consumers with several.
UPDATE consumers.consumer_checkpoints c
   SET position = moved.position, updated_at = now()
  FROM unnest(%(names)s::text[], %(positions)s::bigint[]) AS moved(consumer, position)
 WHERE c.consumer = moved.consumer AND c.topic = %(topic)s AND c.partition = %(partition)s;

-- name: lock_all_checkpoints
-- As lock_checkpoints, for several partitions: in the order that is given, which is the same for all who lock.
SELECT c.topic, c.partition, c.consumer, c.position, c.dead_letters_until,
       c.dead_letters_acknowledged_through AS acknowledged_through
  FROM unnest(%(names)s::text[], %(topics)s::text[], %(partitions)s::integer[])
       WITH ORDINALITY AS checkpoint(consumer, topic, partition, number)
  JOIN consumers.consumer_checkpoints c USING (consumer, topic, partition)
 ORDER BY checkpoint.number
   FOR UPDATE OF c;

-- name: move_all_checkpoints
-- As move_checkpoints, for several partitions.
UPDATE consumers.consumer_checkpoints c
   SET position = moved.position, updated_at = now()
  FROM unnest(%(names)s::text[], %(topics)s::text[], %(partitions)s::integer[], %(positions)s::bigint[])
       AS moved(consumer, topic, partition, position)
 WHERE c.consumer = moved.consumer AND c.topic = moved.topic AND c.partition = moved.partition;
