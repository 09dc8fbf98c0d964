-- name: newest
-- The checkpoint that was signed last.
SELECT size, root, last_position, note FROM event_proofs.checkpoints ORDER BY size DESC LIMIT 1;

-- name: of_size
-- The checkpoint of a tree.
SELECT size, root, last_position, note FROM event_proofs.checkpoints WHERE size = %(size)s;

-- name: after_size
-- The checkpoints of larger trees, in order.
SELECT size, root, last_position, note FROM event_proofs.checkpoints WHERE size > %(size)s ORDER BY size LIMIT %(limit)s;

-- name: add
-- Keep a checkpoint. One of this size may be there, of another sealer: of an append-only log they are the same.
INSERT INTO event_proofs.checkpoints (size, root, last_position, note)
VALUES (%(size)s, %(root)s, %(last_position)s, %(note)s)
ON CONFLICT (size) DO NOTHING;
