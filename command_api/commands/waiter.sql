-- name: versions
-- The versions of the streams that requests wait for.
SELECT stream_id, version
  FROM event_store.streams
 WHERE stream_id = ANY(%(stream_ids)s::uuid[]);
