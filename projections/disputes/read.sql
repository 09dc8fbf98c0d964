-- name: page
-- The newest dispute of each of a merchant's payments that has one, by the day until which evidence is taken; those that
-- take none last. What is over is told by Stripe's words, so a status that is new counts as open. The planner sees the
-- values (the statement is never prepared): the open ones have an index of their own.
SELECT dispute->>'id' AS dispute_id, dispute->>'status' AS status, dispute->>'reason' AS reason,
       (dispute->>'amount_cents')::bigint AS amount_cents, dispute->>'currency' AS currency,
       dispute->>'evidence_due_by' AS evidence_due_by, dispute->>'funds' AS funds,
       coalesce(dispute->>'evidence_due_by', '~') AS due,
       payment_id, user_id, amount_cents AS payment_amount_cents, currency AS payment_currency,
       created_at AS payment_created_at, version, updated_at
  FROM read_model.payments
 WHERE merchant_id = %(merchant_id)s
   AND dispute IS NOT NULL
   AND (%(open)s::boolean IS NULL
        OR (dispute->>'status' NOT IN ('won', 'lost', 'warning_closed', 'prevented')) = %(open)s::boolean)
   AND (%(needs_response)s::boolean IS NULL
        OR (dispute->>'status' IN ('needs_response', 'warning_needs_response')) = %(needs_response)s::boolean)
   AND (%(after_id)s::uuid IS NULL
        OR (coalesce(dispute->>'evidence_due_by', '~') COLLATE "C", payment_id)
           > (%(after_due)s::text COLLATE "C", %(after_id)s::uuid))
 ORDER BY coalesce(dispute->>'evidence_due_by', '~') COLLATE "C", payment_id
 LIMIT %(limit)s
