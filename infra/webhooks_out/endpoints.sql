-- name: lock_merchant
-- Has others that make an endpoint for the merchant wait until the transaction ends: a later statement counts what they made.
SELECT pg_advisory_xact_lock(hashtextextended('webhook endpoints of ' || %(merchant_id)s::text, 0));

-- name: create
-- A new endpoint; no row when the merchant has one with this URL, or has so many.
INSERT INTO webhooks_out.endpoints (endpoint_id, merchant_id, url, event_types, description, enabled, secret)
SELECT %(endpoint_id)s, %(merchant_id)s, %(url)s, %(event_types)s::text[], %(description)s, %(enabled)s, %(secret)s
 WHERE (SELECT count(*) FROM webhooks_out.endpoints
         WHERE merchant_id = %(merchant_id)s AND deleted_at IS NULL) < %(most)s
ON CONFLICT (merchant_id, url) WHERE deleted_at IS NULL DO NOTHING
RETURNING endpoint_id, merchant_id, url, event_types, description, enabled, disabled_because, failing_since, failures,
          ARRAY[]::timestamptz[] AS previous_secrets_until, created_at, updated_at;

-- name: find_by_url
-- Whether the merchant has an endpoint with this URL.
SELECT endpoint_id FROM webhooks_out.endpoints
 WHERE merchant_id = %(merchant_id)s AND url = %(url)s AND deleted_at IS NULL;

-- name: list_of_merchant
-- A merchant's endpoints, the oldest first; null lists those of all merchants.
SELECT endpoint_id, merchant_id, url, event_types, description, enabled, disabled_because, failing_since, failures,
       ARRAY(SELECT p.signs_until FROM webhooks_out.previous_secrets p
              WHERE p.endpoint_id = e.endpoint_id AND p.signs_until > clock_timestamp()
              ORDER BY p.signs_until) AS previous_secrets_until,
       created_at, updated_at
  FROM webhooks_out.endpoints e
 WHERE deleted_at IS NULL AND (%(merchant_id)s::text IS NULL OR merchant_id = %(merchant_id)s::text)
 ORDER BY merchant_id, created_at, endpoint_id;

-- name: find
-- One endpoint; null finds that of any merchant.
SELECT endpoint_id, merchant_id, url, event_types, description, enabled, disabled_because, failing_since, failures,
       ARRAY(SELECT p.signs_until FROM webhooks_out.previous_secrets p
              WHERE p.endpoint_id = e.endpoint_id AND p.signs_until > clock_timestamp()
              ORDER BY p.signs_until) AS previous_secrets_until,
       created_at, updated_at
  FROM webhooks_out.endpoints e
 WHERE endpoint_id = %(endpoint_id)s AND deleted_at IS NULL
   AND (%(merchant_id)s::text IS NULL OR merchant_id = %(merchant_id)s::text);

-- name: update
-- Change what is given. One that is enabled again gets what is recorded from then on, and begins without failures; so
-- does one that moves to another address.
UPDATE webhooks_out.endpoints e
   SET url = coalesce(%(url)s::text, url),
       event_types = coalesce(%(event_types)s::text[], event_types),
       description = coalesce(%(description)s::text, description),
       active_since = CASE WHEN %(enabled)s::boolean AND NOT enabled THEN clock_timestamp() ELSE active_since END,
       failing_since = CASE WHEN %(enabled)s::boolean AND NOT enabled OR %(url)s::text <> url THEN NULL
                            ELSE failing_since END,
       failures = CASE WHEN %(enabled)s::boolean AND NOT enabled OR %(url)s::text <> url THEN 0 ELSE failures END,
       disabled_because = CASE WHEN %(enabled)s::boolean IS NOT NULL AND %(enabled)s::boolean <> enabled THEN NULL
                               ELSE disabled_because END,
       enabled = coalesce(%(enabled)s::boolean, enabled),
       updated_at = clock_timestamp()
 WHERE endpoint_id = %(endpoint_id)s AND merchant_id = %(merchant_id)s AND deleted_at IS NULL
RETURNING endpoint_id, merchant_id, url, event_types, description, enabled, disabled_because, failing_since, failures,
          ARRAY(SELECT p.signs_until FROM webhooks_out.previous_secrets p
                 WHERE p.endpoint_id = e.endpoint_id AND p.signs_until > clock_timestamp()
                 ORDER BY p.signs_until) AS previous_secrets_until,
          created_at, updated_at;

-- name: delete
-- Nothing is sent any more, and its secrets are gone. Its deliveries go bit by bit.
UPDATE webhooks_out.endpoints
   SET deleted_at = clock_timestamp(), updated_at = clock_timestamp(), enabled = false, disabled_because = NULL,
       secret = '', previous_secret = NULL, previous_secret_until = NULL
 WHERE endpoint_id = %(endpoint_id)s AND merchant_id = %(merchant_id)s AND deleted_at IS NULL
RETURNING endpoint_id;

-- name: lock
-- Keep an endpoint's secrets from being changed until the transaction ends; no row when there is none.
SELECT endpoint_id FROM webhooks_out.endpoints
 WHERE endpoint_id = %(endpoint_id)s AND merchant_id = %(merchant_id)s AND deleted_at IS NULL
   FOR NO KEY UPDATE;

-- name: stored_secrets
-- The secrets of an endpoint that `lock` locked, and what time it is: a later statement, which sees what was committed before.
SELECT e.secret AS newest, clock_timestamp() AS now,
       ARRAY(SELECT p.secret FROM webhooks_out.previous_secrets p
              WHERE p.endpoint_id = e.endpoint_id ORDER BY p.signs_until DESC, p.secret) AS previous,
       ARRAY(SELECT p.signs_until FROM webhooks_out.previous_secrets p
              WHERE p.endpoint_id = e.endpoint_id ORDER BY p.signs_until DESC, p.secret) AS previous_until
  FROM webhooks_out.endpoints e
 WHERE e.endpoint_id = %(endpoint_id)s;

-- name: end_previous_secrets
-- Those that were replaced before sign no more.
DELETE FROM webhooks_out.previous_secrets WHERE endpoint_id = %(endpoint_id)s;

-- name: rotate
-- A new secret. A trigger keeps the previous one beside those before it; workers of the version before sign by this one alone.
UPDATE webhooks_out.endpoints
   SET secret = %(secret)s, previous_secret = %(previous_secret)s::bytea,
       previous_secret_until = %(previous_secret_until)s::timestamptz, updated_at = clock_timestamp()
 WHERE endpoint_id = %(endpoint_id)s;
