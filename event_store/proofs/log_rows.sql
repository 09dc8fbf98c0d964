-- name: rows_after
-- The next events with all that their statements are made of. A year has the same digits before our era: said, as nothing
-- sealed has one.
SELECT position, event_id::text, stream_id::text, version, category, type, schema_version,
       to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
       || CASE WHEN recorded_at < '0001-01-01 00:00Z' THEN ' BC' ELSE '' END, data::text, metadata::text
  FROM event_store.events
 WHERE position > %(after)s AND position <= %(up_to)s
 ORDER BY position LIMIT %(limit)s;

-- name: row_of_event
-- One event by its id.
SELECT position, event_id::text, stream_id::text, version, category, type, schema_version,
       to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
       || CASE WHEN recorded_at < '0001-01-01 00:00Z' THEN ' BC' ELSE '' END, data::text, metadata::text
  FROM event_store.events
 WHERE event_id = %(event_id)s
 ORDER BY position;

-- name: rows_of_stream
-- The events of a stream.
SELECT position, event_id::text, stream_id::text, version, category, type, schema_version,
       to_char(recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
       || CASE WHEN recorded_at < '0001-01-01 00:00Z' THEN ' BC' ELSE '' END, data::text, metadata::text
  FROM event_store.events
 WHERE stream_id = %(stream_id)s
 ORDER BY position;

-- name: places_of_events
-- Where events are now.
SELECT event_id::text, position FROM event_store.events WHERE event_id = ANY (%(event_ids)s::uuid[]);

-- name: count_after
-- How many events there are behind a position.
SELECT count(*), min(position), max(position) FROM event_store.events WHERE position > %(after)s;
