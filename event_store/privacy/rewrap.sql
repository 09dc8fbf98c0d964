-- name: wrapped_otherwise
-- Some keys that another wrapping key wraps. One that is destroyed meanwhile is left out.
SELECT key_id, merchant_id, subject, wrapped, wrapping_key FROM privacy.data_keys
 WHERE wrapping_key <> %(newest)s
 ORDER BY key_id LIMIT %(limit)s FOR UPDATE SKIP LOCKED;

-- name: save_wrapped
-- The same keys, wrapped anew.
UPDATE privacy.data_keys k
   SET wrapped = decode(n.wrapped, 'hex'), wrapping_key = n.wrapping_key
  FROM jsonb_to_recordset(%(keys)s::jsonb) AS n(key_id uuid, wrapped text, wrapping_key text)
 WHERE k.key_id = n.key_id;
