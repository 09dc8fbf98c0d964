-- name: streams_of_user
-- The payments and split payments of a user, also those of which they pay a part. No index names users: all of the log is read.
SELECT stream_id, category FROM event_store.events
 WHERE type IN ('payment.requested', 'split_payment.requested') AND position > %(after)s
   AND data->>'merchant_id' = %(merchant_id)s
   AND (data->>'user_id' = %(user_id)s
        OR data @> jsonb_build_object('legs', jsonb_build_array(jsonb_build_object('user_id', %(user_id)s::text))))
 ORDER BY position;

-- name: stripe_events_of
-- What Stripe told of some payments, by our ids in its objects or by its own.
SELECT position, event_id, stream_id, version, category, type, schema_version, data::text AS data, metadata, recorded_at
  FROM event_store.events
 WHERE category = 'stripe-event'
   AND (data->>'object_id' = ANY (%(references)s::text[])
        OR data#>>'{payload,data,object,payment_intent}' = ANY (%(references)s::text[])
        OR data#>>'{payload,data,object,charge}' = ANY (%(references)s::text[])
        OR data#>>'{payload,data,object,metadata,paystream_payment_id}' = ANY (%(references)s::text[]))
    OR category = 'stripe-balance' AND data->>'source_id' = ANY (%(references)s::text[])
 ORDER BY position;

-- name: erase_subjects
-- Note that these subjects get no key any more; which of them had not been noted. Each names a key that is burned.
INSERT INTO privacy.erased_subjects (merchant_id, subject, key_id)
SELECT s.merchant_id, s.subject, %(key_id)s
  FROM unnest(%(merchant_ids)s::text[], %(subjects)s::text[]) AS s(merchant_id, subject)
 ORDER BY 1, 2
    ON CONFLICT DO NOTHING
RETURNING merchant_id, subject;

-- name: hold_subjects
-- Take the places of the keys that some subjects lack, until `take_keys`: who makes one at this moment is waited for, and
-- who begins now waits, and then sees that the subject was erased. Ordered as in privacy.ensure_keys.
INSERT INTO privacy.data_keys (key_id, merchant_id, subject, wrapped, wrapping_key)
SELECT gen_random_uuid(), s.merchant_id, s.subject, '', ''
  FROM unnest(%(merchant_ids)s::text[], %(subjects)s::text[]) AS s(merchant_id, subject)
 ORDER BY 2, 3
    ON CONFLICT DO NOTHING
RETURNING key_id;

-- name: take_keys
-- Remove the keys of some subjects; which they were.
DELETE FROM privacy.data_keys k
 USING unnest(%(merchant_ids)s::text[], %(subjects)s::text[]) AS s(merchant_id, subject)
 WHERE k.merchant_id = s.merchant_id AND k.subject = s.subject
RETURNING k.key_id;

-- name: keys_there
-- Those of these keys that are there, of whatever subject.
SELECT key_id FROM privacy.data_keys WHERE key_id = ANY (%(key_ids)s::uuid[]);

-- name: answers_of
-- The stored answers to the commands of some streams.
SELECT stream_id, status, response, created_at FROM event_store.idempotency_keys
 WHERE stream_id = ANY (%(stream_ids)s::uuid[]) AND response IS NOT NULL
 ORDER BY created_at;

-- name: erase_webhook_answers
-- Take away what endpoints answered to the webhooks of some payments; how many answers it were.
SELECT webhooks_out.erase_answers(%(payment_ids)s::uuid[]);
