-- name: newest
-- The checkpoint that was signed last, with the time.
SELECT size, last_position, note, created_at AS sealed_at FROM event_proofs.checkpoints ORDER BY size DESC LIMIT 1;

-- name: unsealed
-- How many events are behind a position: counted up to a limit.
SELECT count(*), min(recorded_at)
  FROM (SELECT recorded_at FROM event_store.events WHERE position > %(after)s ORDER BY position LIMIT %(limit)s) behind;

-- name: cosigned
-- The largest tree that each witness has signed, and when: from one witness to the next, not over all signatures.
WITH RECURSIVE names AS (
    (SELECT witness FROM event_proofs.cosignatures ORDER BY witness LIMIT 1)
    UNION ALL
    SELECT (SELECT c.witness FROM event_proofs.cosignatures c WHERE c.witness > n.witness ORDER BY c.witness LIMIT 1)
      FROM names n WHERE n.witness IS NOT NULL
)
SELECT largest.witness, largest.size, largest.signed_at
  FROM names
 CROSS JOIN LATERAL (SELECT witness, size, signed_at FROM event_proofs.cosignatures c
                      WHERE c.witness = names.witness ORDER BY size DESC LIMIT 1) largest;
