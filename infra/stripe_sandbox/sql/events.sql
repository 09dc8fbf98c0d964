-- name: insert_events
-- What one change tells, after all others.
INSERT INTO events (id, account, created, request_id, idempotency_key, told)
VALUES (:id, :account, :created, :request_id, :idempotency_key, :told);

-- name: get_events_row
-- What one change told.
SELECT * FROM events WHERE id = :id;

-- name: events_newest_first
-- Rows from one on downwards. `types` is a JSON list, one of which a row must tell, or null for all; with `delivered` a
-- row must tell one of them that no endpoint lacks.
SELECT * FROM events
WHERE account = :account AND seq <= :edge AND created BETWEEN :created_from AND :created_to
    AND (:types IS NULL AND NOT :delivered OR EXISTS (SELECT 1 FROM json_each(told) AS each
         WHERE (:types IS NULL OR json_extract(each.value, '$.type') IN (SELECT value FROM json_each(:types)))
             AND (NOT :delivered OR NOT EXISTS (SELECT 1 FROM deliveries
                 WHERE event = events.id || substr(:letters, each.key + 1, 1)
                     AND state <> 'delivered' AND falsified IS NULL))))
ORDER BY seq DESC LIMIT :count;

-- name: events_oldest_first
-- Rows from one on upwards.
SELECT * FROM events
WHERE account = :account AND seq >= :edge AND created BETWEEN :created_from AND :created_to
    AND (:types IS NULL AND NOT :delivered OR EXISTS (SELECT 1 FROM json_each(told) AS each
         WHERE (:types IS NULL OR json_extract(each.value, '$.type') IN (SELECT value FROM json_each(:types)))
             AND (NOT :delivered OR NOT EXISTS (SELECT 1 FROM deliveries
                 WHERE event = events.id || substr(:letters, each.key + 1, 1)
                     AND state <> 'delivered' AND falsified IS NULL))))
ORDER BY seq LIMIT :count;

-- name: undelivered_newest_first
-- The same of rows that tell something which an endpoint lacks: few, so they are looked up, and the others not read.
SELECT events.* FROM (SELECT DISTINCT substr(event, 1, length(event) - 1) AS id FROM deliveries
    WHERE state <> 'delivered' AND falsified IS NULL
        AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))) AS lacked
    CROSS JOIN events ON events.id = lacked.id
WHERE account = :account AND seq <= :edge AND created BETWEEN :created_from AND :created_to
ORDER BY seq DESC LIMIT :count;

-- name: undelivered_oldest_first
-- Rows from one on upwards.
SELECT events.* FROM (SELECT DISTINCT substr(event, 1, length(event) - 1) AS id FROM deliveries
    WHERE state <> 'delivered' AND falsified IS NULL
        AND (:types IS NULL OR type IN (SELECT value FROM json_each(:types)))) AS lacked
    CROSS JOIN events ON events.id = lacked.id
WHERE account = :account AND seq >= :edge AND created BETWEEN :created_from AND :created_to
ORDER BY seq LIMIT :count;

-- name: all_events
-- Everything of every account, oldest first.
SELECT * FROM events ORDER BY seq;

-- name: count_events
-- How many events there are by type.
SELECT json_extract(each.value, '$.type'), count(*) FROM events, json_each(told) AS each GROUP BY 1;
