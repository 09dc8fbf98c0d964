-- name: cosigned
-- Of each witness the largest tree that it has signed, and for how long a larger one has waited. NULL: none.
SELECT w.key AS witness, s.size,
       extract(epoch FROM clock_timestamp() - (SELECT c.created_at FROM event_proofs.checkpoints c
                                                WHERE c.size > coalesce(s.size, 0)
                                                ORDER BY c.size LIMIT 1))::float8 AS waiting_s
  FROM unnest(%(witnesses)s::text[]) AS w(key)
  LEFT JOIN LATERAL (SELECT size FROM event_proofs.cosignatures
                      WHERE witness = w.key ORDER BY size DESC LIMIT 1) s ON true
