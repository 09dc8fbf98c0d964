-- name: find_payments
-- Which payments of ours these are: as we noted whose the intent is, or else as the metadata at Stripe says.
SELECT o.discrepancy_id, s.stream_id, s.merchant_id
  FROM unnest(%(discrepancy_ids)s::uuid[], %(intent_ids)s::text[], %(payment_ids)s::uuid[])
       AS o(discrepancy_id, intent_id, payment_id)
  LEFT JOIN consumers.payment_intents i ON i.intent_id = o.intent_id
  JOIN event_store.streams s ON s.stream_id = coalesce(i.payment_id, o.payment_id) AND s.category = 'payment';
