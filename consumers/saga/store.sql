-- name: add
-- Sagas that were requested, due at once. One that is known is due at once, whatever its timer says.
INSERT INTO consumers.sagas (saga_id, kind, merchant_id, correlation_id, traceparent)
SELECT * FROM unnest(%(saga_ids)s::uuid[], %(kinds)s::text[], %(merchant_ids)s::text[], %(correlation_ids)s::text[],
                     %(traceparents)s::text[]) AS n(saga_id, kind, merchant_id, correlation_id, traceparent)
 ORDER BY saga_id
ON CONFLICT (saga_id) DO UPDATE SET due_at = clock_timestamp();

-- name: wake
-- Have the sagas looked at that streams concern. Locked in one order, so that two wakers do not wait for each other.
UPDATE consumers.sagas s
   SET due_at = clock_timestamp()
  FROM (SELECT saga_id FROM consumers.sagas
         WHERE saga_id IN (SELECT saga_id FROM consumers.saga_participants WHERE stream_id = ANY(%(stream_ids)s::uuid[]))
         ORDER BY saga_id FOR UPDATE) AS concerned
 WHERE s.saga_id = concerned.saga_id;

-- name: next_due_s
-- In how many seconds the next saga is due; below 0 when one is due. NULL: none has a timer.
SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8
  FROM consumers.sagas
 WHERE due_at IS NOT NULL AND kind = ANY(%(kinds)s::text[]);

-- name: lock_due
-- Sagas that are due, and the time. Those that another worker holds are left to it.
SELECT saga_id, kind, merchant_id, correlation_id, traceparent, status, participants, failures,
       extract(epoch FROM clock_timestamp())::float8 AS now
  FROM consumers.sagas
 WHERE due_at <= clock_timestamp() AND kind = ANY(%(kinds)s::text[])
 ORDER BY due_at
 LIMIT %(limit)s
   FOR UPDATE SKIP LOCKED;

-- name: lock_one
-- One saga, if it is still due and nobody holds it.
SELECT saga_id, kind, merchant_id, correlation_id, traceparent, status, participants, failures,
       extract(epoch FROM clock_timestamp())::float8 AS now
  FROM consumers.sagas
 WHERE saga_id = %(saga_id)s AND due_at <= clock_timestamp()
   FOR UPDATE SKIP LOCKED;

-- name: write_steps
-- Where sagas stand after a step, and when each is due again.
UPDATE consumers.sagas s
   SET status_since = CASE WHEN s.status = n.status THEN s.status_since ELSE clock_timestamp() END,
       status = n.status,
       due_at = to_timestamp(n.due_at),
       participants = n.participants,
       failures = 0,
       last_error = NULL,
       updated_at = clock_timestamp()
  FROM unnest(%(saga_ids)s::uuid[], %(statuses)s::text[], %(due_at)s::float8[], %(participants)s::integer[])
       AS n(saga_id, status, due_at, participants)
 WHERE s.saga_id = n.saga_id;

-- name: write_failure
-- A step could not be made: it is made again later.
UPDATE consumers.sagas
   SET failures = failures + 1,
       last_error = %(error)s,
       due_at = clock_timestamp() + %(delay_s)s * interval '1 second',
       updated_at = clock_timestamp()
 WHERE saga_id = %(saga_id)s;

-- name: add_participants
-- Whose events concern a saga from now on.
INSERT INTO consumers.saga_participants (stream_id, saga_id)
SELECT * FROM unnest(%(stream_ids)s::uuid[], %(saga_ids)s::uuid[])
ON CONFLICT DO NOTHING;

-- name: count_open
-- How many have not ended, and for how long one of them has had its status.
SELECT kind, status, count(*) AS sagas,
       extract(epoch FROM clock_timestamp() - min(status_since))::float8 AS longest_s
  FROM consumers.sagas
 WHERE status IN ('running', 'committing', 'compensating', 'compensation_stuck')
 GROUP BY kind, status;

-- name: list_open
-- Sagas that have not ended, the oldest first, and how many there are.
SELECT saga_id, kind, status, created_at, status_since, due_at, failures, last_error, count(*) OVER () AS found
  FROM consumers.sagas
 WHERE status IN ('running', 'committing', 'compensating', 'compensation_stuck')
   AND status = ANY(%(statuses)s::text[])
 ORDER BY created_at, saga_id
 LIMIT %(limit)s;

-- name: list_all
-- The same, of those too that have ended.
SELECT saga_id, kind, status, created_at, status_since, due_at, failures, last_error, count(*) OVER () AS found
  FROM consumers.sagas
 WHERE status = ANY(%(statuses)s::text[])
 ORDER BY created_at, saga_id
 LIMIT %(limit)s;

-- name: find
-- One saga.
SELECT saga_id, kind, merchant_id, correlation_id, traceparent, status, created_at, status_since, due_at, failures,
       last_error
  FROM consumers.sagas
 WHERE saga_id = %(saga_id)s;

-- name: make_due
-- Have a saga looked at now.
UPDATE consumers.sagas SET due_at = clock_timestamp() WHERE saga_id = %(saga_id)s;
