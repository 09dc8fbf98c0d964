-- name: events
-- The history so far of the split payments that a batch changes.
SELECT split_payment_id, version, position, type, schema_version, data::text AS data, actor, at
  FROM read_model.split_payment_events
 WHERE split_payment_id = ANY(%(split_payment_ids)s::uuid[])
 ORDER BY split_payment_id, version;

-- name: insert_events
-- New events.
INSERT INTO read_model.split_payment_events
      (split_payment_id, version, position, type, schema_version, data, actor, at)
SELECT split_payment_id, version, position, type, schema_version, data, actor, at
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       split_payment_id uuid, version bigint, position bigint, type text, schema_version integer, data jsonb, actor text,
       at timestamptz);

-- name: first_events
-- What the first event of some split payments says.
SELECT split_payment_id, data::text FROM read_model.split_payment_events
 WHERE split_payment_id = ANY(%(split_payment_ids)s::uuid[]) AND version = 1;

-- name: save_first_events
-- The same without what was erased of it.
UPDATE read_model.split_payment_events e
   SET data = n.data
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(split_payment_id uuid, data jsonb)
 WHERE e.split_payment_id = n.split_payment_id AND e.version = 1;

-- name: save
-- Rows of split payments, new or newer than they were.
INSERT INTO read_model.split_payments AS s
      (split_payment_id, merchant_id, user_id, status, view, created_at, updated_at, version, position)
SELECT split_payment_id, merchant_id, user_id, status, view, created_at, updated_at, version, position
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       split_payment_id uuid, merchant_id text, user_id text, status text, view jsonb, created_at timestamptz,
       updated_at timestamptz, version bigint, position bigint)
ON CONFLICT (split_payment_id) DO UPDATE
   SET status = excluded.status, view = excluded.view, updated_at = excluded.updated_at, version = excluded.version,
       position = excluded.position
 WHERE s.version < excluded.version;
