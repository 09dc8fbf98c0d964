-- name: newest
-- The newest events of the log, by their streams.
SELECT category, stream_id, array_agg(position ORDER BY position) AS positions
  FROM (SELECT position, category, stream_id FROM event_store.events ORDER BY position DESC LIMIT %(limit)s) newest
 GROUP BY category, stream_id;

-- name: recorded_at
-- When events were recorded.
SELECT position, recorded_at FROM event_store.events WHERE position = ANY (%(positions)s::bigint[]);
