-- name: lock_at
-- The open dead letters at some positions: nobody can discard them until the transaction ends.
SELECT id
  FROM consumers.dead_letters
 WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s
   AND position = ANY(%(positions)s::bigint[]) AND status IN ('open', 'replaying')
 ORDER BY id
   FOR UPDATE;

-- name: known
-- What bears on a batch: open dead letters of its streams, and all that checkpoints have not passed. Applied ones do
-- not: when their events come again, everything is being applied again.
SELECT id, position, previous_position, stream, lacking, status = 'discarded' AS discarded
  FROM consumers.dead_letters
 WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s
   AND status IN ('open', 'replaying')
   AND position IS NOT NULL
   AND (stream = ANY(%(streams)s::text[]) OR position > %(above)s)
UNION ALL
SELECT id, position, previous_position, stream, lacking, true
  FROM consumers.dead_letters
 WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s
   AND status = 'discarded'
   AND position > %(above)s;

-- name: failures_in_a_row
-- Dead letters of their own fault, since an event was last applied, that nobody has done anything about.
SELECT count(*) AS failures
  FROM consumers.dead_letters
 WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s
   AND status = 'open' AND reason <> 'behind' AND id > %(acknowledged_through)s;

-- name: insert
-- A record with a position. One that is there already takes the newest content and error; one that was applied before
-- (its event came again, and failed this time) is open again.
INSERT INTO consumers.dead_letters AS d
       (consumer, topic, partition, kafka_offset, kafka_timestamp, position, previous_position, stream,
        key, value, headers, digest, lacking, reason, error_type, error)
VALUES (%(consumer)s, %(topic)s, %(partition)s, %(offset)s, %(timestamp)s, %(position)s, %(previous_position)s,
        %(stream)s, %(key)s, %(value)s, %(headers)s, %(digest)s, %(lacking)s, %(reason)s, %(error_type)s, %(error)s)
ON CONFLICT (consumer, topic, partition, position) DO UPDATE
   SET kafka_offset = excluded.kafka_offset,
       kafka_timestamp = excluded.kafka_timestamp,
       previous_position = excluded.previous_position,
       stream = excluded.stream,
       key = excluded.key,
       value = excluded.value,
       headers = excluded.headers,
       digest = excluded.digest,
       lacking = CASE WHEN d.resolved_at IS NULL
                      THEN ARRAY(SELECT DISTINCT name FROM unnest(d.lacking || excluded.lacking) AS each(name))
                      ELSE excluded.lacking END,
       reason = excluded.reason,
       error_type = excluded.error_type,
       error = excluded.error,
       attempts = CASE WHEN d.resolved_at IS NULL THEN d.attempts + 1 ELSE 1 END,
       published_at = CASE WHEN d.resolved_at IS NULL THEN d.published_at END,
       status = 'open',
       failed_at = now(),
       resolved_at = NULL,
       resolved_by = NULL,
       resolution = NULL
RETURNING id, attempts = 1 AS is_new;

-- name: insert_unplaced
-- A record without a position: delivered again, it is known by its content, and stays as it is.
INSERT INTO consumers.dead_letters
       (consumer, topic, partition, kafka_offset, kafka_timestamp, stream,
        key, value, headers, digest, lacking, reason, error_type, error)
VALUES (%(consumer)s, %(topic)s, %(partition)s, %(offset)s, %(timestamp)s, %(stream)s,
        %(key)s, %(value)s, %(headers)s, %(digest)s, %(lacking)s, %(reason)s, %(error_type)s, %(error)s)
ON CONFLICT (consumer, topic, partition, digest) WHERE position IS NULL DO NOTHING
RETURNING id;

-- name: is_known_unplaced
-- Whether a record without a position is known.
SELECT 1 AS known
  FROM consumers.dead_letters
 WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s
   AND digest = %(digest)s AND position IS NULL;

-- name: applied
-- Some checkpoints have applied it; when none lacks it any more, it is resolved.
UPDATE consumers.dead_letters d
   SET lacking = ARRAY(SELECT name FROM unnest(d.lacking) AS each(name) WHERE name <> ALL(%(names)s::text[])),
       status = CASE WHEN d.lacking <@ %(names)s::text[] THEN 'applied' ELSE d.status END,
       resolved_at = CASE WHEN d.lacking <@ %(names)s::text[] THEN now() END,
       resolved_by = CASE WHEN d.lacking <@ %(names)s::text[] THEN coalesce(d.requested_by, d.consumer) END,
       resolution = CASE WHEN d.lacking <@ %(names)s::text[] THEN %(resolution)s END
 WHERE id = %(id)s AND status IN ('open', 'replaying');

-- name: update_checkpoints
-- Note in the locked checkpoints whether dead letters have to be looked at, and up to which one an applied event
-- acknowledges the failures before it.
UPDATE consumers.consumer_checkpoints
   SET dead_letters_until =
           CASE WHEN EXISTS (SELECT FROM consumers.dead_letters d
                              WHERE d.consumer = %(consumer)s AND d.topic = %(topic)s AND d.partition = %(partition)s
                                AND d.status IN ('open', 'replaying') AND d.position IS NOT NULL)
                THEN 9223372036854775807
                ELSE coalesce((SELECT max(d.position) FROM consumers.dead_letters d
                                WHERE d.consumer = %(consumer)s AND d.topic = %(topic)s
                                  AND d.partition = %(partition)s), 0)
           END,
       dead_letters_acknowledged_through = greatest(dead_letters_acknowledged_through, %(acknowledged_through)s)
 WHERE consumer = ANY(%(names)s::text[]) AND topic = %(topic)s AND partition = %(partition)s
RETURNING position < dead_letters_until AS look;

-- name: newest_open
-- The newest dead letter of a partition that is open.
SELECT coalesce(max(id), 0) AS newest
  FROM consumers.dead_letters
 WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s
   AND status IN ('open', 'replaying');

-- name: open_by_partition
-- What a consumer has to look after. Asked every second: nearly always of an empty index.
SELECT topic, partition, count(*) AS open,
       bool_or(status = 'replaying') AS replay,
       bool_or(published_at IS NULL) AS publish
  FROM consumers.dead_letters
 WHERE consumer = %(consumer)s AND status IN ('open', 'replaying')
 GROUP BY topic, partition;

-- name: marked
-- The first dead letter of a partition whose replay somebody asked for.
SELECT id, stream, position
  FROM consumers.dead_letters
 WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s
   AND status = 'replaying' AND id <> ALL(%(not_these)s::bigint[])
 ORDER BY position NULLS FIRST, id
 LIMIT 1;

-- name: first_of_stream
-- The first open dead letter of a stream, or the one given when it belongs to none; locked.
SELECT id, consumer, topic, partition, kafka_offset, kafka_timestamp, position, previous_position, stream,
       key, value, headers, lacking, reason, error_type, error, attempts, status, created_at, failed_at,
       requested_by, replay_reason, published_at, resolved_at, resolved_by, resolution
  FROM consumers.dead_letters
 WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s
   AND status IN ('open', 'replaying')
   AND CASE WHEN %(stream)s::text IS NULL OR %(position)s::bigint IS NULL THEN id = %(id)s
            ELSE stream = %(stream)s AND position IS NOT NULL END
 ORDER BY position
 LIMIT 1
   FOR UPDATE;

-- name: mark_next
-- The replay of a dead letter was requested, so its stream has to go on.
UPDATE consumers.dead_letters
   SET status = 'replaying', requested_by = %(requested_by)s, replay_reason = %(replay_reason)s
 WHERE id = (SELECT id FROM consumers.dead_letters
              WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s
                AND status IN ('open', 'replaying') AND stream = %(stream)s AND position IS NOT NULL
              ORDER BY position
              LIMIT 1)
   AND status = 'open';

-- name: failed_again
-- It is as before, with the newest error.
UPDATE consumers.dead_letters
   SET status = 'open', reason = %(reason)s, error_type = %(error_type)s, error = %(error)s,
       attempts = attempts + 1, failed_at = now()
 WHERE id = %(id)s;

-- name: unmark_stream
-- What waits behind a dead letter that failed again waits on.
UPDATE consumers.dead_letters
   SET status = 'open'
 WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s
   AND status = 'replaying' AND stream = %(stream)s AND position IS NOT NULL;

-- name: unpublished
-- Open dead letters that are not in their topic yet.
SELECT id, consumer, topic, partition, kafka_offset, kafka_timestamp, position, previous_position, stream,
       key, value, headers, lacking, reason, error_type, error, attempts, status, created_at, failed_at,
       requested_by, replay_reason, published_at, resolved_at, resolved_by, resolution
  FROM consumers.dead_letters
 WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = ANY(%(partitions)s::integer[])
   AND status IN ('open', 'replaying') AND published_at IS NULL
 ORDER BY id
 LIMIT 100;

-- name: published
-- They are in the topic, from this offset on.
UPDATE consumers.dead_letters d
   SET published_at = now(), published_offset = sent.at
  FROM unnest(%(ids)s::bigint[], %(offsets)s::bigint[]) AS sent(id, at)
 WHERE d.id = sent.id;

-- name: last_published
-- The highest offset in the topic of an open dead letter; NULL: none was published.
SELECT max(published_offset) AS highest
  FROM consumers.dead_letters
 WHERE consumer = %(consumer)s AND topic = %(topic)s AND status IN ('open', 'replaying') AND published_at IS NOT NULL;

-- name: publish_again
-- The topic has lost what was published, but for these.
UPDATE consumers.dead_letters
   SET published_at = NULL, published_offset = NULL
 WHERE consumer = %(consumer)s AND topic = %(topic)s AND status IN ('open', 'replaying')
   AND published_at IS NOT NULL AND id <> ALL(%(but)s::bigint[]);
