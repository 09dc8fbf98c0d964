-- name: page
-- The receipts of erasures, newest first; a partial index has them (migration 0051).
SELECT position, recorded_at AS at, event_id, (data->>'erasure_id')::uuid AS erasure_id,
       data->>'merchant_id' AS merchant_id, data->>'user_id' AS user_id, metadata->>'actor' AS actor,
       data->>'reason' AS reason, jsonb_array_length(data->'keys') AS keys, (data->>'payments')::bigint AS payments,
       (data->>'in_clear')::bigint AS in_clear, (data->>'webhook_answers')::bigint AS webhook_answers
  FROM event_store.events
 WHERE type = 'privacy.user_erased'
   AND (%(before)s::bigint IS NULL OR position < %(before)s)
 ORDER BY position DESC
 LIMIT %(limit)s;
