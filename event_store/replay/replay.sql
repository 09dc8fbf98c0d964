-- name: event_at_or_after
-- The first event at a position or behind it.
SELECT position, recorded_at FROM event_store.events WHERE position >= %(position)s ORDER BY position LIMIT 1;

-- name: moments_after
-- When the next events were recorded.
SELECT position, recorded_at FROM event_store.events WHERE position > %(position)s ORDER BY position LIMIT %(limit)s;

-- name: run_after
-- How far the next events reach, and how many they are.
SELECT max(position), count(*)
  FROM (SELECT position FROM event_store.events
         WHERE position > %(cursor)s AND position <= %(up_to)s
         ORDER BY position LIMIT %(limit)s) AS run;

-- name: selected
-- Those of a run that are asked for; null asks for any.
SELECT e.position, e.event_id, e.stream_id, e.version, e.category, e.type, e.schema_version,
       e.data::text AS data, e.metadata, e.recorded_at
  FROM event_store.events e
 WHERE e.position > %(cursor)s AND e.position <= %(until)s
   AND (%(categories)s::text[] IS NULL OR e.category = ANY (%(categories)s::text[]))
   AND (%(types)s::text[] IS NULL OR e.type = ANY (%(types)s::text[]))
   AND (%(merchant_id)s::text IS NULL OR e.metadata ->> 'merchant_id' = %(merchant_id)s::text)
 ORDER BY e.position;
