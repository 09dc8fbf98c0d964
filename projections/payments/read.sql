-- name: find
-- One payment of a merchant.
SELECT payment_id, user_id, amount_cents, currency, status, stripe_payment_intent_id, idempotency_key, created_at,
       description, metadata::text AS metadata, customer, statement_descriptor_suffix, capture_method,
       amount_capturable_cents, amount_captured_cents, amount_refunded_cents, capture_before, refunds::text AS refunds,
       last_error::text AS last_error, next_action::text AS next_action, dispute::text AS dispute,
       contradictions::text AS contradictions, split_payment_id, version, updated_at, position
  FROM read_model.payments
 WHERE payment_id = %(payment_id)s AND merchant_id = %(merchant_id)s

-- name: page
-- A merchant's payments after a key, newest first. A filter that is NULL is off: the planner sees the values (the
-- statement is never prepared), so that each combination gets the index that suits it. What was erased of a payment reads
-- so in its row: no id of a request leads to it any more.
SELECT payment_id, user_id, amount_cents, currency, status, stripe_payment_intent_id, idempotency_key, created_at,
       description, metadata::text AS metadata, customer, statement_descriptor_suffix, capture_method,
       amount_capturable_cents, amount_captured_cents, amount_refunded_cents, capture_before, refunds::text AS refunds,
       last_error::text AS last_error, next_action::text AS next_action, dispute::text AS dispute,
       contradictions::text AS contradictions, split_payment_id, version, updated_at, position
  FROM read_model.payments
 WHERE merchant_id = %(merchant_id)s
   AND (%(status)s::text IS NULL OR status = %(status)s::text)
   AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s::text)
   AND (%(currency)s::text IS NULL OR currency = %(currency)s::text)
   AND (%(created_after)s::timestamptz IS NULL OR created_at > %(created_after)s::timestamptz)
   AND (%(created_before)s::timestamptz IS NULL OR created_at < %(created_before)s::timestamptz)
   AND (%(amount_min)s::bigint IS NULL OR amount_cents >= %(amount_min)s::bigint)
   AND (%(amount_max)s::bigint IS NULL OR amount_cents <= %(amount_max)s::bigint)
   AND (%(stripe_payment_intent_id)s::text IS NULL OR stripe_payment_intent_id = %(stripe_payment_intent_id)s::text)
   AND (%(idempotency_key)s::text IS NULL OR idempotency_key = %(idempotency_key)s::text)
   AND (%(split_payment_id)s::uuid IS NULL OR split_payment_id = %(split_payment_id)s::uuid)
   AND (%(contradicted)s::boolean IS NULL OR (contradictions <> '[]'::jsonb) = %(contradicted)s::boolean)
   AND (%(disputed)s::boolean IS NULL OR (dispute IS NOT NULL) = %(disputed)s::boolean)
   AND (%(refusal_code)s::text IS NULL
        OR last_error IS NOT NULL
           AND coalesce(last_error->>'decline_code', last_error->>'code') = %(refusal_code)s::text)
   AND (NOT %(has_amounts)s::boolean
        OR amount_cents = %(amount_1)s::bigint AND currency = ANY (%(currencies_1)s::text[])
        OR amount_cents = %(amount_2)s::bigint AND currency = ANY (%(currencies_2)s::text[])
        OR amount_cents = %(amount_3)s::bigint AND currency = ANY (%(currencies_3)s::text[]))
   AND (%(request_id)s::text IS NULL
        OR payment_id = ANY (ARRAY(SELECT DISTINCT t.payment_id FROM read_model.payment_timeline t
                                    WHERE t.merchant_id = %(merchant_id)s AND t.request_id = %(request_id)s::text
                                    ORDER BY t.payment_id DESC LIMIT %(most_of_an_id)s)))
   AND (%(correlation_id)s::text IS NULL
        OR payment_id = ANY (ARRAY(SELECT DISTINCT t.payment_id FROM read_model.payment_timeline t
                                    WHERE t.merchant_id = %(merchant_id)s AND t.correlation_id = %(correlation_id)s::text
                                    ORDER BY t.payment_id DESC LIMIT %(most_of_an_id)s)))
   AND (%(request_id)s::text IS NULL AND %(correlation_id)s::text IS NULL
        OR description IS DISTINCT FROM '[erased]' AND NOT metadata @? '$.* ? (@ == "[erased]")')
   AND (%(after_id)s::uuid IS NULL
        OR (created_at, payment_id) < (%(after_created_at)s::timestamptz, %(after_id)s::uuid))
 ORDER BY created_at DESC, payment_id DESC
 LIMIT %(limit)s

-- name: count
-- How many of a merchant's payments all given filters hold for; counted up to a limit.
SELECT count(*)
  FROM (SELECT
          FROM read_model.payments
         WHERE merchant_id = %(merchant_id)s
           AND (%(status)s::text IS NULL OR status = %(status)s::text)
           AND (%(user_id)s::text IS NULL OR user_id = %(user_id)s::text)
           AND (%(currency)s::text IS NULL OR currency = %(currency)s::text)
           AND (%(created_after)s::timestamptz IS NULL OR created_at > %(created_after)s::timestamptz)
           AND (%(created_before)s::timestamptz IS NULL OR created_at < %(created_before)s::timestamptz)
           AND (%(amount_min)s::bigint IS NULL OR amount_cents >= %(amount_min)s::bigint)
           AND (%(amount_max)s::bigint IS NULL OR amount_cents <= %(amount_max)s::bigint)
           AND (%(stripe_payment_intent_id)s::text IS NULL OR stripe_payment_intent_id = %(stripe_payment_intent_id)s::text)
           AND (%(idempotency_key)s::text IS NULL OR idempotency_key = %(idempotency_key)s::text)
           AND (%(split_payment_id)s::uuid IS NULL OR split_payment_id = %(split_payment_id)s::uuid)
           AND (%(contradicted)s::boolean IS NULL OR (contradictions <> '[]'::jsonb) = %(contradicted)s::boolean)
           AND (%(disputed)s::boolean IS NULL OR (dispute IS NOT NULL) = %(disputed)s::boolean)
           AND (%(refusal_code)s::text IS NULL
                OR last_error IS NOT NULL
                   AND coalesce(last_error->>'decline_code', last_error->>'code') = %(refusal_code)s::text)
           AND (NOT %(has_amounts)s::boolean
                OR amount_cents = %(amount_1)s::bigint AND currency = ANY (%(currencies_1)s::text[])
                OR amount_cents = %(amount_2)s::bigint AND currency = ANY (%(currencies_2)s::text[])
                OR amount_cents = %(amount_3)s::bigint AND currency = ANY (%(currencies_3)s::text[]))
           AND (%(request_id)s::text IS NULL
                OR payment_id = ANY (ARRAY(SELECT DISTINCT t.payment_id FROM read_model.payment_timeline t
                                            WHERE t.merchant_id = %(merchant_id)s AND t.request_id = %(request_id)s::text
                                            ORDER BY t.payment_id DESC LIMIT %(most_of_an_id)s)))
           AND (%(correlation_id)s::text IS NULL
                OR payment_id = ANY (ARRAY(SELECT DISTINCT t.payment_id FROM read_model.payment_timeline t
                                            WHERE t.merchant_id = %(merchant_id)s AND t.correlation_id = %(correlation_id)s::text
                                            ORDER BY t.payment_id DESC LIMIT %(most_of_an_id)s)))
           AND (%(request_id)s::text IS NULL AND %(correlation_id)s::text IS NULL
                OR description IS DISTINCT FROM '[erased]' AND NOT metadata @? '$.* ? (@ == "[erased]")')
         LIMIT %(at_most)s) AS found

-- name: customer_totals
-- What a user's payments come to, by currency. A dispute that is won, that a refund prevented, or that was only an inquiry is about
-- nothing any more.
SELECT currency, count(*) AS payments, count(*) FILTER (WHERE status = 'succeeded') AS succeeded,
       sum(amount_captured_cents)::bigint AS captured, sum(amount_refunded_cents)::bigint AS refunded,
       count(dispute) AS disputes,
       coalesce(sum((dispute->>'amount_cents')::bigint)
                FILTER (WHERE dispute->>'currency' = currency AND dispute->>'status' NOT IN ('won', 'warning_closed', 'prevented')), 0)::bigint
           AS disputed,
       min(created_at) AS first_at, max(created_at) AS last_at
  FROM read_model.payments
 WHERE merchant_id = %(merchant_id)s AND user_id = %(user_id)s
 GROUP BY currency
 ORDER BY currency

-- name: count_holds
-- How many holds there are, and how many end within a time or have ended unnoticed; of all merchants.
SELECT count(*) AS open,
       count(*) FILTER (WHERE capture_before < now() + %(within_s)s * interval '1 second') AS expiring
  FROM read_model.payments
 WHERE capture_before IS NOT NULL

-- name: count_contradicted
-- How many payments Stripe contradicts, as nobody has accepted its word yet; of all merchants.
SELECT count(*) AS contradicted FROM read_model.payments WHERE contradictions <> '[]'::jsonb

-- name: count_disputes
-- How many disputes can be answered and are not, and how many of those soon no more; of all merchants. Of a payment the
-- newest dispute counts.
SELECT count(*) AS open,
       count(*) FILTER (WHERE (dispute ->> 'evidence_due_by')::timestamptz < now() + %(within_s)s * interval '1 second')
           AS due
  FROM read_model.payments
 WHERE dispute ->> 'status' IN ('needs_response', 'warning_needs_response')
   AND dispute ->> 'evidence_due_by' IS NOT NULL
