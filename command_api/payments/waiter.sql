-- name: versions
-- How far the streams of the payments that somebody waits for have come.
SELECT stream_id, version
  FROM event_store.streams
 WHERE stream_id = ANY(%(payment_ids)s::uuid[]);
