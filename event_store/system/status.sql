-- name: log
-- The newest position, and how far the relays have told that they published: the shard that is furthest behind counts, of
-- those that were there when one was seen last.
SELECT coalesce((SELECT max(position) FROM event_store.events), 0) AS position,
       coalesce((SELECT min(position) FROM event_store.relay_positions
                  WHERE updated_at > (SELECT max(updated_at) FROM event_store.relay_positions) - interval '1 hour'), 0)
           AS published_through;

-- name: checkpoints
-- How far each consumer and projection has come.
SELECT consumer, topic, partition, position, updated_at
  FROM consumers.consumer_checkpoints
 ORDER BY consumer, topic, partition;

-- name: resting
-- Consumers that take nothing while nobody wants it, as now: what is in the log is no lag of theirs.
SELECT 'webhooks-out' AS consumer WHERE NOT EXISTS (SELECT FROM webhooks_out.endpoints WHERE enabled);

-- name: watermark
-- All events of payments up to here are in the read model.
SELECT position FROM read_model.payments_watermark;

-- name: tasks
-- Calls to Stripe that have not ended.
SELECT status, count(*) AS count, min(due_at) FILTER (WHERE status = 'due' AND due_at < now()) AS oldest_due_at
  FROM consumers.gateway_tasks
 WHERE status <> 'done'
 GROUP BY status;

-- name: dead_letters
-- Dead letters that are open.
SELECT consumer, count(*) AS count
  FROM consumers.dead_letters
 WHERE status IN ('open', 'replaying')
 GROUP BY consumer;

-- name: sagas
-- Sagas that have not ended, by the index of these statuses.
SELECT status, count(*) AS count
  FROM consumers.sagas
 WHERE status IN ('running', 'committing', 'compensating', 'compensation_stuck')
 GROUP BY status;

-- name: builds
-- Rebuilds, the newest first.
SELECT build_id AS id, projection, phase, events, read_through, differences, started_by, started_at, updated_at, reason
  FROM consumers.projection_builds
 ORDER BY build_id DESC
 LIMIT 10;

-- name: breakers
-- Circuit breakers of processes that call Stripe, those first that are not closed.
SELECT process, breaker, state, since, seen_at, seen_at > clock_timestamp() - interval '1 minute' AS heard_of
  FROM consumers.circuit_breakers
 ORDER BY state = 'closed', process, breaker
 LIMIT 200;
