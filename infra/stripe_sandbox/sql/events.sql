-- name: insert_events
-- What one change tells, after all others.
INSERT INTO events (id, account, created, request_id, idempotency_key, told)
VALUES (:id, :account, :created, :request_id, :idempotency_key, :told);

-- name: get_events_row
-- What one change told.
SELECT * FROM events WHERE id = :id;

-- name: events_newest_first
-- Rows from one on downwards; `types` is a JSON list, one of which a row must tell, or null for all.
SELECT * FROM events
WHERE account = :account AND seq <= :edge AND created BETWEEN :created_from AND :created_to
    AND (:types IS NULL OR EXISTS (SELECT 1 FROM json_each(told) AS each
         WHERE json_extract(each.value, '$.type') IN (SELECT value FROM json_each(:types))))
ORDER BY seq DESC LIMIT :count;

-- name: events_oldest_first
-- Rows from one on upwards.
SELECT * FROM events
WHERE account = :account AND seq >= :edge AND created BETWEEN :created_from AND :created_to
    AND (:types IS NULL OR EXISTS (SELECT 1 FROM json_each(told) AS each
         WHERE json_extract(each.value, '$.type') IN (SELECT value FROM json_each(:types))))
ORDER BY seq LIMIT :count;

-- name: all_events
-- Everything of every account, oldest first.
SELECT * FROM events ORDER BY seq;

-- name: count_events
-- How many events there are by type.
SELECT json_extract(each.value, '$.type'), count(*) FROM events, json_each(told) AS each GROUP BY 1;
