-- name: claim
-- Nobody else works on builds of this projection until the session ends.
SELECT pg_try_advisory_lock(hashtextextended('paystream rebuild ' || %(projection)s::text, 0));

-- name: release
-- Somebody else may.
SELECT pg_advisory_unlock(hashtextextended('paystream rebuild ' || %(projection)s::text, 0));

-- name: claimed
-- Projections that somebody works on at this moment.
SELECT p.name
  FROM unnest(%(projections)s::text[]) AS p(name), LATERAL hashtextextended('paystream rebuild ' || p.name, 0) AS k(key)
 WHERE EXISTS (SELECT FROM pg_locks l
                WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
                  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
                  AND l.classid::bigint = ((k.key >> 32) & 4294967295) AND l.objid::bigint = (k.key & 4294967295));

-- name: begin
-- A new build. Of two for the same projection one is refused by the index.
INSERT INTO consumers.projection_builds (projection, epoch, started_by)
VALUES (%(projection)s, %(epoch)s, %(actor)s)
RETURNING build_id;

-- name: unfinished
-- The build of a projection that is neither swapped nor abandoned.
SELECT build_id, projection, phase, epoch, started_by, started_at, updated_at, batches, events, busy_ms, read_through,
       checkpoints, skipped, compared_at, compared_at_position, differences, swapped_at, swapped_by, swapped_at_position,
       forced, reason
  FROM consumers.projection_builds
 WHERE projection = %(projection)s AND phase IN ('building', 'catching_up', 'compared');

-- name: builds
-- The builds of a projection or of all, the newest first.
SELECT build_id, projection, phase, epoch, started_by, started_at, updated_at, batches, events, busy_ms, read_through,
       checkpoints, skipped, compared_at, compared_at_position, differences, swapped_at, swapped_by, swapped_at_position,
       forced, reason
  FROM consumers.projection_builds
 WHERE %(projection)s::text IS NULL OR projection = %(projection)s::text
 ORDER BY build_id DESC
 LIMIT %(limit)s;

-- name: advance
-- What a batch has brought, unless another process has gone on from there.
UPDATE consumers.projection_builds
   SET batches = batches + 1, events = events + %(events)s, busy_ms = busy_ms + %(busy_ms)s,
       read_through = %(read_through)s, checkpoints = %(checkpoints)s::jsonb, skipped = %(skipped)s::bigint[],
       updated_at = clock_timestamp()
 WHERE build_id = %(build_id)s AND batches = %(batches)s AND phase IN ('building', 'catching_up', 'compared');

-- name: caught_up
-- All that was there when it began is in it.
UPDATE consumers.projection_builds SET phase = 'catching_up', updated_at = clock_timestamp()
 WHERE build_id = %(build_id)s AND phase = 'building';

-- name: compared
-- What the comparison has found.
UPDATE consumers.projection_builds
   SET phase = 'compared', compared_at = clock_timestamp(), compared_at_position = %(position)s,
       differences = %(differences)s, updated_at = clock_timestamp()
 WHERE build_id = %(build_id)s AND phase IN ('building', 'catching_up', 'compared');

-- name: swapped
-- It is live from this transaction on.
UPDATE consumers.projection_builds
   SET phase = 'swapped', swapped_at = clock_timestamp(), swapped_by = %(actor)s, swapped_at_position = %(position)s,
       differences = %(differences)s, forced = %(forced)s, reason = %(reason)s, updated_at = clock_timestamp()
 WHERE build_id = %(build_id)s AND phase IN ('building', 'catching_up', 'compared');

-- name: ended
-- What was left of it is gone: of one that was swapped the tables before it, of another its own.
UPDATE consumers.projection_builds
   SET phase = CASE phase WHEN 'swapped' THEN 'dropped' ELSE 'abandoned' END,
       ended_by = %(actor)s, ended_at = clock_timestamp(), updated_at = clock_timestamp()
 WHERE build_id = %(build_id)s AND phase NOT IN ('dropped', 'abandoned');
