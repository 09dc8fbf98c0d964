-- name: create_checkpoint
-- A consumer's first batch of a partition starts at 0: before every event.
INSERT INTO consumers.consumer_checkpoints (consumer, topic, partition)
VALUES (%(consumer)s, %(topic)s, %(partition)s)
ON CONFLICT DO NOTHING;

-- name: lock_checkpoint
-- Held to the end of the transaction: two members that both think they own the partition take turns.
SELECT position
FROM consumers.consumer_checkpoints
WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s
FOR UPDATE;

-- name: move_checkpoint
-- Together with the effects of all events up to it.
UPDATE consumers.consumer_checkpoints
SET position = %(position)s, updated_at = now()
WHERE consumer = %(consumer)s AND topic = %(topic)s AND partition = %(partition)s;
