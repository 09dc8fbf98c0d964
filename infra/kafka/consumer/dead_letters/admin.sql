-- name: listed
-- Dead letters, those of one stream together, in the order of their failing.
SELECT d.id, d.consumer, d.topic, d.partition, d.kafka_offset, d.kafka_timestamp, d.position, d.previous_position,
       d.stream, d.key, d.value, d.headers, d.lacking, d.reason, d.error_type, d.error, d.attempts, d.status,
       d.created_at, d.failed_at, d.requested_by, d.replay_reason, d.published_at, d.resolved_at,
       d.resolved_by, d.resolution
  FROM consumers.dead_letters d
 WHERE (%(consumer)s::text IS NULL OR d.consumer = %(consumer)s)
   AND (%(stream)s::text IS NULL OR d.stream = %(stream)s)
   AND (%(resolved)s OR d.status IN ('open', 'replaying'))
 ORDER BY d.id
 LIMIT %(limit)s;

-- name: counted
-- How many there are for the same filter.
SELECT count(*) AS dead_letters
  FROM consumers.dead_letters d
 WHERE (%(consumer)s::text IS NULL OR d.consumer = %(consumer)s)
   AND (%(stream)s::text IS NULL OR d.stream = %(stream)s)
   AND (%(resolved)s OR d.status IN ('open', 'replaying'));

-- name: by_id
-- Some dead letters.
SELECT id, consumer, topic, partition, kafka_offset, kafka_timestamp, position, previous_position, stream,
       key, value, headers, lacking, reason, error_type, error, attempts, status, created_at, failed_at,
       requested_by, replay_reason, published_at, resolved_at, resolved_by, resolution
  FROM consumers.dead_letters
 WHERE id = ANY(%(ids)s::bigint[])
 ORDER BY id;

-- name: same_stream
-- The open dead letters of the same consumer and stream, in their order.
SELECT o.id
  FROM consumers.dead_letters d
  JOIN consumers.dead_letters o USING (consumer, topic, partition, stream)
 WHERE d.id = %(id)s AND o.status IN ('open', 'replaying') AND o.position IS NOT NULL
 ORDER BY o.position;

-- name: grouped
-- What the oldest open ones of a consumer are, so many or (NULL) all: the most first.
SELECT topic, reason, count(*) AS count
  FROM (SELECT topic, reason FROM consumers.dead_letters
         WHERE consumer = %(consumer)s AND status IN ('open', 'replaying')
         ORDER BY id LIMIT %(limit)s) oldest
 GROUP BY topic, reason
 ORDER BY count(*) DESC, topic, reason;

-- name: request_replay
-- Request a replay from the running consumer, by id or stream, or of the oldest of a consumer, so many or (NULL) all.
UPDATE consumers.dead_letters
   SET status = 'replaying', requested_by = %(actor)s, replay_reason = %(reason)s
 WHERE status IN ('open', 'replaying')
   AND (id = ANY(%(ids)s::bigint[]) OR stream = %(stream)s::text
        OR id IN (SELECT d.id FROM consumers.dead_letters d
                   WHERE d.consumer = %(all_of)s::text AND d.status IN ('open', 'replaying')
                   ORDER BY d.id LIMIT %(limit)s))
RETURNING id;

-- name: discard
-- Give one up. Refused when it was applied meanwhile.
UPDATE consumers.dead_letters
   SET status = 'discarded', resolved_at = now(), resolved_by = %(actor)s, resolution = %(reason)s
 WHERE id = %(id)s AND status IN ('open', 'replaying')
RETURNING id;
