-- name: append
-- Append events of access alone; the role that manages keys can append no others.
SELECT ordinal, outcome, version, position, fingerprint, status, response FROM access.append(%(appends)s::jsonb);

-- name: load
-- The events of some streams of access, each stream in order.
SELECT position, event_id, stream_id, version, category, type, schema_version, data::text AS data, metadata, recorded_at
  FROM access.load_streams(%(stream_ids)s::uuid[]);

-- name: insert_merchant
-- The row of a merchant that was created.
INSERT INTO access.merchants (merchant_id, name) VALUES (%(merchant_id)s, %(name)s);

-- name: merchants
-- All merchants, with how many of their keys are valid.
SELECT m.merchant_id, m.name, m.created_at,
       (SELECT count(*) FROM access.api_keys k
         WHERE k.merchant_id = m.merchant_id AND k.revoked_at IS NULL
           AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())) AS valid_keys
  FROM access.merchants m ORDER BY m.merchant_id;

-- name: search_merchants
-- Merchants with a text in their id or name, in the order of their ids, from one on.
SELECT m.merchant_id, m.name, m.created_at,
       (SELECT count(*) FROM access.api_keys k
         WHERE k.merchant_id = m.merchant_id AND k.revoked_at IS NULL
           AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())) AS valid_keys
  FROM access.merchants m
 WHERE (%(search)s::text IS NULL
        OR strpos(lower(m.merchant_id), lower(%(search)s)) > 0 OR strpos(lower(m.name), lower(%(search)s)) > 0)
   AND (%(after)s::text IS NULL OR m.merchant_id > %(after)s)
 ORDER BY m.merchant_id
 LIMIT %(limit)s;

-- name: merchant
-- One merchant.
SELECT m.merchant_id, m.name, m.created_at,
       (SELECT count(*) FROM access.api_keys k
         WHERE k.merchant_id = m.merchant_id AND k.revoked_at IS NULL
           AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp())) AS valid_keys
  FROM access.merchants m WHERE m.merchant_id = %(merchant_id)s;

-- name: merchant_exists
-- Whether there is such a merchant.
SELECT EXISTS (SELECT FROM access.merchants WHERE merchant_id = %(merchant_id)s);

-- name: insert_key
-- The row of a key that was created.
INSERT INTO access.api_keys (key_id, prefix, sha256, merchant_id, scopes, created_at, expires_at)
VALUES (%(key_id)s, %(prefix)s, %(sha256)s, %(merchant_id)s, %(scopes)s, to_timestamp(%(created_at)s),
        to_timestamp(%(expires_at)s));

-- name: rotate_key
-- What a key's row says once it has a successor.
UPDATE access.api_keys SET replaced_by = %(replaced_by)s, expires_at = to_timestamp(%(expires_at)s)
 WHERE key_id = %(key_id)s;

-- name: revoke_key
-- What a key's row says once it is revoked.
UPDATE access.api_keys SET revoked_at = clock_timestamp() WHERE key_id = %(key_id)s AND revoked_at IS NULL;

-- name: keys
-- Keys, those of the operator first: by how they begin, whose they are, or all. Of a key that is given whole, only its
-- beginning is compared.
SELECT key_id, prefix, merchant_id, scopes, created_at, expires_at, revoked_at, replaced_by, last_used_at
  FROM access.api_keys
 WHERE (%(beginning)s::text IS NULL OR starts_with(prefix, %(beginning)s) OR key_id::text = %(beginning)s)
   AND (%(merchant_id)s::text IS NULL OR merchant_id = %(merchant_id)s)
   AND (%(ended_too)s::boolean
        OR revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()))
 ORDER BY merchant_id NULLS FIRST, created_at, key_id;
