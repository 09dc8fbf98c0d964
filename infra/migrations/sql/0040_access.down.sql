-- Removes every stored key: callers need keys of API_KEYS then.
DROP FUNCTION event_store.append_owned(jsonb, bigint, bigint[], text[], text[]);
DROP FUNCTION event_store.claim_stripe_ids(bigint);
DROP TABLE event_store.stripe_id_owners;
DROP SCHEMA access CASCADE;
-- The role stays: it belongs to the cluster, where another database may use it.
