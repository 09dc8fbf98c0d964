-- name: stripe_events
-- Stripe's events before a position, newest first, with the open dead letter of each. It looks at so many positions and no
-- more, however rare they are.
SELECT e.position, e.data->>'stripe_event_id' AS id, e.data->>'type' AS type, e.data->>'object_id' AS object_id,
       (e.data->>'livemode')::boolean AS livemode, to_timestamp((e.data->>'created')::bigint) AS created_at,
       e.recorded_at AS received_at, e.metadata->>'actor' AS actor, d.id AS dead_letter_id
  FROM event_store.events e
  LEFT JOIN consumers.dead_letters d
         ON d.consumer = 'stripe-webhooks' AND d.topic = 'paystream.stripe-event' AND d.position = e.position
        AND d.status IN ('open', 'replaying')
 WHERE e.position < %(before)s AND e.position >= %(from)s AND e.category = 'stripe-event'
   AND (%(object_ids)s::text[] IS NULL OR e.data->>'object_id' = ANY (%(object_ids)s::text[]))
 ORDER BY e.position DESC
 LIMIT %(limit)s;

-- name: position_of
-- Where one of Stripe's events is, by the stream that it is in.
SELECT position FROM event_store.events WHERE stream_id = %(stream_id)s AND version = 1 AND category = 'stripe-event';

-- name: newest
-- The newest position.
SELECT coalesce(max(position), 0) AS position FROM event_store.events;
