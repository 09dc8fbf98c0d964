-- name: rows
-- The rows that a batch changes. Not locked: the batch holds its partition's checkpoint, and the update checks versions.
SELECT payment_id, merchant_id, user_id, amount_cents, currency, status, stripe_payment_intent_id, idempotency_key,
       description, metadata::text AS metadata, customer, statement_descriptor_suffix, capture_method,
       amount_capturable_cents, amount_captured_cents, amount_refunded_cents, capture_before, refunds::text AS refunds,
       last_error::text AS last_error, next_action::text AS next_action, dispute::text AS dispute,
       contradictions::text AS contradictions, split_payment_id, created_at, updated_at, version, position
  FROM read_model.payments
 WHERE payment_id = ANY(%(payment_ids)b::uuid[]);

-- name: insert
-- Rows of payments that had none.
INSERT INTO read_model.payments
      (payment_id, merchant_id, user_id, amount_cents, currency, status, stripe_payment_intent_id, idempotency_key,
       description, metadata, customer, statement_descriptor_suffix, capture_method, amount_capturable_cents,
       amount_captured_cents, amount_refunded_cents, capture_before, refunds, last_error, next_action, dispute,
       contradictions, split_payment_id, created_at, updated_at, version, position)
SELECT payment_id, merchant_id, user_id, amount_cents, currency, status, stripe_payment_intent_id, idempotency_key,
       description, metadata, customer, statement_descriptor_suffix, capture_method, amount_capturable_cents,
       amount_captured_cents, amount_refunded_cents, capture_before, refunds, last_error, next_action, dispute,
       contradictions, split_payment_id, created_at, updated_at, version, position
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(
       payment_id uuid, merchant_id text, user_id text, amount_cents bigint, currency text, status text,
       stripe_payment_intent_id text, idempotency_key text, description text, metadata jsonb, customer text,
       statement_descriptor_suffix text, capture_method text, amount_capturable_cents bigint,
       amount_captured_cents bigint, amount_refunded_cents bigint, capture_before timestamptz, refunds jsonb,
       last_error jsonb, next_action jsonb, dispute jsonb, contradictions jsonb, split_payment_id uuid, created_at timestamptz,
       updated_at timestamptz, version bigint, position bigint);

-- name: update
-- Rows of payments that had one, on condition that each still stands at the version that the batch started from.
UPDATE read_model.payments AS p
   SET status = n.status,
       description = n.description,
       metadata = n.metadata,
       stripe_payment_intent_id = n.stripe_payment_intent_id,
       amount_capturable_cents = n.amount_capturable_cents,
       amount_captured_cents = n.amount_captured_cents,
       amount_refunded_cents = n.amount_refunded_cents,
       capture_before = n.capture_before,
       refunds = n.refunds,
       last_error = n.last_error,
       next_action = n.next_action,
       dispute = n.dispute,
       contradictions = n.contradictions,
       updated_at = n.updated_at,
       version = n.version,
       position = n.position
  FROM jsonb_to_recordset(%(changes)s::jsonb) AS change(version_before bigint, row jsonb),
       LATERAL jsonb_to_record(change.row) AS n(
       payment_id uuid, status text, description text, metadata jsonb, stripe_payment_intent_id text,
       amount_capturable_cents bigint, amount_captured_cents bigint, amount_refunded_cents bigint,
       capture_before timestamptz, refunds jsonb, last_error jsonb, next_action jsonb, dispute jsonb,
       contradictions jsonb, updated_at timestamptz, version bigint, position bigint)
 WHERE p.payment_id = n.payment_id AND p.version = change.version_before;
