-- name: find_payments
-- Whose intents these are.
SELECT intent_id, payment_id FROM consumers.payment_intents
 WHERE intent_id = ANY(%(intent_ids)s::text[]) AND payment_id IS NOT NULL;

-- name: calls_under_way
-- Whether a call that changes one of these payments is being made, or its answer being recorded.
SELECT EXISTS (SELECT FROM consumers.gateway_tasks
                WHERE payment_id = ANY(%(payment_ids)s::uuid[]) AND status = 'leased' AND due_at > clock_timestamp()
                  AND operation <> 'refresh_payment');
