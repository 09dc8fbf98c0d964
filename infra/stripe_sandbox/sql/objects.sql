-- name: insert_object
-- A new object, after all others.
INSERT INTO objects (account, kind, id, payment_intent, created, body)
VALUES (:account, :kind, :id, :payment_intent, :created, :body);

-- name: update_object
-- The object's next state.
UPDATE objects SET body = :body WHERE account = :account AND id = :id;

-- name: get_object
-- One object of one account.
SELECT body FROM objects WHERE id = :id AND account = :account AND kind = :kind;

-- name: locate_object
-- One object and the account it belongs to.
SELECT account, body FROM objects WHERE id = :id AND kind = :kind;

-- name: position_of
-- Where an object stands in the order of creation.
SELECT seq FROM objects WHERE id = :id AND account = :account AND kind = :kind;

-- name: newest_first
-- A page of one kind, below a position.
SELECT seq, body FROM objects
WHERE account = :account AND kind = :kind AND seq < :edge AND created BETWEEN :created_from AND :created_to
ORDER BY seq DESC LIMIT :count;

-- name: oldest_first
-- A page of one kind, above a position.
SELECT seq, body FROM objects
WHERE account = :account AND kind = :kind AND seq > :edge AND created BETWEEN :created_from AND :created_to
ORDER BY seq LIMIT :count;

-- name: of_intent
-- All objects of one kind that belong to a payment intent, newest first.
SELECT seq, body FROM objects
WHERE payment_intent = :payment_intent AND kind = :kind AND account = :account
ORDER BY seq DESC;

-- name: intents_by_metadata
-- Payment intents that carry this metadata, newest first, below a position.
SELECT objects.seq, objects.body FROM intent_metadata JOIN objects USING (id)
WHERE intent_metadata.account = :account AND key = :key AND value = :value AND seq < :below
ORDER BY seq DESC;

-- name: everything
-- All objects of one kind, of every account, oldest first.
SELECT body FROM objects WHERE kind = :kind ORDER BY seq;

-- name: counts
-- How many objects of each kind and status there are.
SELECT kind, json_extract(body, '$.status'), count(*) FROM objects GROUP BY 1, 2;

-- name: insert_metadata
-- Makes an intent findable by one metadata entry.
INSERT INTO intent_metadata (account, key, value, id) VALUES (:account, :key, :value, :id);

-- name: delete_metadata
-- Forgets one metadata entry of an intent.
DELETE FROM intent_metadata WHERE account = :account AND key = :key AND value = :value AND id = :id;
