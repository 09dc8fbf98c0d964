-- name: add
-- Keep the signature of a witness; it signs a checkpoint once.
INSERT INTO event_proofs.cosignatures (size, witness, line, signed_at)
VALUES (%(size)s, %(witness)s, %(line)s, %(signed_at)s)
ON CONFLICT (witness, size) DO NOTHING;

-- name: of_size
-- The signatures below one checkpoint.
SELECT size, witness, line FROM event_proofs.cosignatures WHERE size = %(size)s ORDER BY witness;

-- name: newest_of
-- The largest checkpoint that a witness signed.
SELECT size, witness, line FROM event_proofs.cosignatures WHERE witness = %(witness)s ORDER BY size DESC LIMIT 1;

-- name: after_size
-- The signatures below the checkpoints of larger trees, up to a size.
SELECT size, witness, line FROM event_proofs.cosignatures
 WHERE size > %(size)s AND size <= %(up_to)s ORDER BY size, witness;

-- name: newest_with_quorum
-- The largest checkpoint that so many of these witnesses signed. It stops at the first: the newest nearly always.
SELECT c.size, c.root, c.last_position, c.note
  FROM event_proofs.checkpoints c
 WHERE c.size <= %(up_to)s
   AND (SELECT count(*) FROM event_proofs.cosignatures s WHERE s.size = c.size AND s.witness = ANY (%(witnesses)s))
       >= %(quorum)s
 ORDER BY c.size DESC LIMIT 1;

-- name: first_beyond
-- When the first checkpoint of a larger tree was sealed.
SELECT created_at FROM event_proofs.checkpoints WHERE size > %(size)s ORDER BY size LIMIT 1;
