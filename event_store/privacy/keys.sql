-- name: ensure
-- The usable key of each subject; those that have none get the one that is offered (see privacy.ensure_keys in
-- migration 0052). One that was erased has no row.
SELECT key_id, merchant_id, subject, wrapped, wrapping_key FROM privacy.ensure_keys(%(offered)s::jsonb);

-- name: find
-- Those of these keys that may still be used.
SELECT key_id, merchant_id, subject, wrapped, wrapping_key FROM privacy.find_keys(%(key_ids)s::uuid[]);

-- name: erased
-- Those of some subjects that were erased for good, each with a key id that is burned.
SELECT merchant_id, subject, key_id FROM privacy.erased_keys(%(merchant_ids)s::text[], %(subjects)s::text[]);

-- name: burned
-- Those of these keys that were destroyed: each has a stream of its own in the log.
SELECT stream_id FROM event_store.streams WHERE stream_id = ANY(%(key_ids)s::uuid[]);
