-- name: known_streams
-- Those of the streams that are in the log.
SELECT stream_id FROM event_store.streams WHERE stream_id = ANY(%(stream_ids)s::uuid[]);
