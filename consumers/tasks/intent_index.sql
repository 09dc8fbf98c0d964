-- name: index_intents
-- Whose intent it is: a webhook names the intent alone where its metadata lacks our id. Returns the payments whose intent
-- was asked for before it was ours. In one order, so that two who note the same intents do not wait for each other.
INSERT INTO consumers.payment_intents AS p (intent_id, payment_id)
SELECT intent_id, payment_id FROM unnest(%(intent_ids)s::text[], %(payment_ids)s::uuid[]) AS n(intent_id, payment_id)
 ORDER BY intent_id
ON CONFLICT (intent_id) DO UPDATE SET payment_id = EXCLUDED.payment_id WHERE p.payment_id IS NULL
RETURNING payment_id, xmax <> 0 AS was_awaited;  -- xmax: it was there, and is updated

-- name: find_or_await_intents
-- Intents that nobody has claimed yet are noted without a payment; what was noted meanwhile is returned. The update locks
-- the row, so that of two, the one who asks and the one who notes, the later sees what the earlier wrote.
INSERT INTO consumers.payment_intents AS p (intent_id)
SELECT DISTINCT intent_id FROM unnest(%(intent_ids)s::text[]) AS n(intent_id)
 ORDER BY intent_id
ON CONFLICT (intent_id) DO UPDATE SET payment_id = p.payment_id
RETURNING intent_id, payment_id;
