-- name: revision
-- Another one after each change of what follows.
SELECT value FROM access.revision;

-- name: keys
-- Every key that may be valid, with the revision that it is of.
SELECT r.value, k.key_id::text, k.prefix, k.sha256, k.merchant_id, k.scopes, extract(epoch FROM k.expires_at)::float8
  FROM access.revision r
  LEFT JOIN access.api_keys k
    ON k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp());

-- name: merchants
-- Every merchant.
SELECT merchant_id FROM access.merchants;

-- name: read_write
-- For a login that only reads by itself.
SET TRANSACTION READ WRITE;

-- name: record_use
-- Record that keys were used, to the minute.
SELECT access.record_key_use(%(key_ids)s::uuid[]);
