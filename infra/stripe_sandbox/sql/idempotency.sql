-- name: find_key
-- The stored answer for an idempotency key, unless it is older.
SELECT fingerprint, request_id, status, body FROM idempotency_keys
WHERE account = :account AND key = :key AND created > :since;

-- name: insert_key
-- Keeps an answer for its idempotency key, in the place of one that was too old.
INSERT OR REPLACE INTO idempotency_keys (account, key, fingerprint, request_id, status, body, created)
VALUES (:account, :key, :fingerprint, :request_id, :status, :body, :created);

-- name: prune_keys
-- Forgets old keys, two at a time: done with each new one, it keeps pace. Rows stand in the order of their age.
DELETE FROM idempotency_keys
WHERE created <= :until AND rowid IN (SELECT rowid FROM idempotency_keys ORDER BY rowid LIMIT 2);

-- name: count_keys
-- How many answers are kept.
SELECT count(*) FROM idempotency_keys;
