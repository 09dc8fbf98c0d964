-- name: lock_position
-- Up to where requests were seen to have their tasks; nobody else looks until the transaction ends. Raises 57PS1 while the
-- log is closed.
SELECT position FROM consumers.watched_requests WHERE event_store.require_open() > 0 FOR UPDATE SKIP LOCKED;

-- name: last_due_position
-- The last of the next positions that were recorded so long ago: by then their tasks should be there.
SELECT max(position)
  FROM (SELECT position, recorded_at FROM event_store.events
         WHERE position > %(position)s ORDER BY position LIMIT %(limit)s) AS next
 WHERE recorded_at <= now() - %(wait_s)s * interval '1 second';

-- name: requests_without_task
-- Which payments asked for something between two positions that no task stands for, and with which events. What is a dead
-- letter of the gateway's, or waits behind one, is not forgotten: that is for the operator who replays or discards it.
SELECT e.stream_id AS payment_id, array_agg(e.event_id) AS event_ids
  FROM event_store.events e
 WHERE e.position > %(position)s AND e.position <= %(until)s
   AND e.type = ANY(%(types)s::text[])
   AND NOT EXISTS (SELECT FROM consumers.gateway_tasks t WHERE t.event_id = e.event_id)
   AND NOT EXISTS (SELECT FROM consumers.dead_letters d WHERE d.consumer = %(gateway)s AND d.position = e.position)
 GROUP BY e.stream_id;

-- name: move_position
-- Go on from there.
UPDATE consumers.watched_requests SET position = %(until)s;
