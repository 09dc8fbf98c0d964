-- name: find_key
-- The stored answer for an idempotency key.
SELECT fingerprint, request_id, status, body FROM idempotency_keys WHERE account = :account AND key = :key;

-- name: insert_key
-- Keeps an answer for its idempotency key.
INSERT INTO idempotency_keys (account, key, fingerprint, request_id, status, body)
VALUES (:account, :key, :fingerprint, :request_id, :status, :body);

-- name: count_keys
-- How many answers are kept.
SELECT count(*) FROM idempotency_keys;
