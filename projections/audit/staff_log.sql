-- name: page
-- What people did, newest first. The expression is that of the two partial indexes (migration 0051).
SELECT position, recorded_at AS at, type, category, stream_id, metadata->>'merchant_id' AS merchant_id,
       metadata->>'actor' AS actor, substring(metadata->>'actor' from '^(?:operator:|api:[^/]+/)(.+)$') AS name,
       data->>'reason' AS reason
  FROM event_store.events
 WHERE substring(metadata->>'actor' from '^(?:operator:|api:[^/]+/)(.+)$') IS NOT NULL
   AND (%(name)s::text IS NULL
        OR substring(metadata->>'actor' from '^(?:operator:|api:[^/]+/)(.+)$') = %(name)s)
   AND (%(before)s::bigint IS NULL OR position < %(before)s)
 ORDER BY position DESC
 LIMIT %(limit)s;
