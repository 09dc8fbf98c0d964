-- name: insert_delivery
-- An event to send to an endpoint.
INSERT INTO deliveries (event, type, endpoint, state, due, falsified)
VALUES (:event, :type, :endpoint, :state, :due, :falsified);

-- name: due_deliveries
-- What is due, the longest overdue first.
SELECT seq, event, endpoint, attempts, falsified FROM deliveries
WHERE state = 'pending' AND due <= :now ORDER BY due, seq LIMIT :count;

-- name: next_delivery
-- When the next one is due.
SELECT min(due) FROM deliveries WHERE state = 'pending';

-- name: delivery_tried
-- What came of an attempt.
UPDATE deliveries SET state = :state, due = :due, attempts = attempts + 1, last_status = :status, last_error = :error
WHERE seq = :seq;

-- name: pending_deliveries_of
-- How many endpoints have not yet taken an event.
SELECT count(DISTINCT endpoint) FROM deliveries WHERE event = :event AND state <> 'delivered' AND falsified IS NULL;

-- name: all_deliveries
-- Every delivery with its event, oldest first; one state or all.
SELECT seq, event, type, endpoint, state, due, attempts, falsified, last_status, last_error
FROM deliveries WHERE :state IS NULL OR state = :state ORDER BY seq;

-- name: count_deliveries
-- How many deliveries there are in each state.
SELECT state, count(*) FROM deliveries GROUP BY state;

-- name: hasten_deliveries
-- Makes everything that waits for its retry due now.
UPDATE deliveries SET due = :now WHERE state = 'pending' AND due > :now;
