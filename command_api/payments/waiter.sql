-- name: versions
-- The versions of the payments that requests wait for.
SELECT stream_id, version
  FROM event_store.streams
 WHERE stream_id = ANY(%(payment_ids)s::uuid[]);
