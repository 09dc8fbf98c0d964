-- name: find_payments
-- The payments of these intents.
SELECT intent_id, payment_id FROM consumers.payment_intents
 WHERE intent_id = ANY(%(intent_ids)s::text[]) AND payment_id IS NOT NULL;

-- name: calls_in_flight
-- Whether a call that changes one of these payments, or one that these intents are of, has been made, and its answer is not
-- recorded yet.
SELECT EXISTS (SELECT FROM consumers.gateway_tasks
                WHERE payment_id IN (SELECT unnest(%(payment_ids)s::uuid[])
                                      UNION ALL
                                     SELECT payment_id FROM consumers.payment_intents
                                      WHERE intent_id = ANY(%(intent_ids)s::text[]))
                  AND status = 'leased' AND due_at > clock_timestamp() AND operation <> 'refresh_payment');
