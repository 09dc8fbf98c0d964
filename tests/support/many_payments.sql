-- name: payments
-- Payments of one merchant, one a minute back from now: a tenth of them of one user, a fiftieth disputed.
INSERT INTO read_model.payments
       (payment_id, merchant_id, user_id, amount_cents, currency, status, stripe_payment_intent_id, idempotency_key,
        metadata, capture_method, amount_capturable_cents, amount_captured_cents, amount_refunded_cents, refunds,
        last_error, dispute, contradictions, created_at, updated_at, version, position)
SELECT md5('payment-' || n)::uuid, %(merchant_id)s,
       CASE WHEN n %% 10 = 0 THEN 'user_large' ELSE 'user_' || n %% 5000 END,
       100 + n %% 90000, (ARRAY['USD', 'EUR', 'JPY'])[1 + n %% 3],
       CASE n %% 20 WHEN 1 THEN 'requires_payment_method' WHEN 2 THEN 'requires_capture' WHEN 3 THEN 'canceled'
                   WHEN 4 THEN 'processing' ELSE 'succeeded' END,
       'pi_many' || n, 'order-' || n, jsonb_build_object('order', n::text), 'automatic',
       CASE WHEN n %% 20 = 2 THEN 100 + n %% 90000 ELSE 0 END,
       CASE WHEN n %% 20 IN (1, 2, 3, 4) THEN 0 ELSE 100 + n %% 90000 END,
       CASE WHEN n %% 20 = 5 THEN 50 ELSE 0 END,
       CASE WHEN n %% 20 = 5
            THEN jsonb_build_array(jsonb_build_object(
                     'refund_id', md5('refund-' || n)::uuid, 'stripe_refund_id', 're_many' || n, 'status', 'succeeded',
                     'amount_cents', 50, 'reason', 'requested_by_customer', 'error', NULL,
                     'created_at', '2026-05-01T10:06:40.123Z'))
            ELSE '[]' END,
       CASE WHEN n %% 20 = 1
            THEN jsonb_build_object('code', 'card_declined', 'decline_code',
                                    (ARRAY['insufficient_funds', 'lost_card', 'do_not_honor'])[1 + n / 20 %% 3],
                                    'message', 'Your card was declined.') END,
       CASE WHEN n %% 50 = 6
            THEN jsonb_build_object(
                     'id', 'du_many' || n, 'status', CASE WHEN n %% 500 = 6 THEN 'needs_response' ELSE 'won' END,
                     'reason', 'fraudulent', 'amount_cents', 100, 'currency', (ARRAY['USD', 'EUR', 'JPY'])[1 + n %% 3],
                     'evidence_due_by', '2026-12-' || lpad((1 + n %% 28)::text, 2, '0') || 'T00:00:00.000Z',
                     'funds', 'withdrawn') END,
       '[]', now() - n * interval '1 minute', now() - n * interval '1 minute', 3, %(base)s + 3 * n
  FROM generate_series(1, %(count)s) AS n;

-- name: timelines
-- Three events of each; a tenth of the payments came under one correlation id.
INSERT INTO read_model.payment_timeline
       (payment_id, version, position, merchant_id, type, at, actor, request_id, correlation_id, data)
SELECT md5('payment-' || n)::uuid, v, %(base)s + 3 * n - 3 + v, %(merchant_id)s,
       (ARRAY['payment.requested', 'payment.intent_created', 'payment.succeeded'])[v],
       now() - n * interval '1 minute', (ARRAY['api:shop', 'stripe-gateway', 'stripe-webhooks'])[v], 'r-' || n,
       CASE WHEN n %% 10 = 0 THEN 'c-large' ELSE 'c-' || n END,
       jsonb_build_object('amount_cents', 100 + n %% 90000)
  FROM generate_series(1, %(count)s) AS n, generate_series(1, 3) AS v;

-- name: streams
-- The streams of the log.
INSERT INTO event_store.streams (stream_id, category, merchant_id, version, first_position, last_position)
SELECT md5('payment-' || n)::uuid, 'payment', %(merchant_id)s, 3, %(base)s + 3 * n - 2, %(base)s + 3 * n
  FROM generate_series(1, %(count)s) AS n;

-- name: events
-- The log: three events of each payment, one of a thousand by somebody of the staff. Their data says nothing.
INSERT INTO event_store.events
       (position, event_id, stream_id, version, category, type, schema_version, data, metadata, recorded_at)
SELECT %(base)s + 3 * n - 3 + v, md5('event-' || n || '-' || v)::uuid, md5('payment-' || n)::uuid, v, 'payment',
       (ARRAY['payment.requested', 'payment.intent_created', 'payment.succeeded'])[v], 1, '{"reason": "none"}',
       jsonb_build_object('actor', CASE WHEN n %% 1000 = 1 AND v = 1 THEN 'api:office/staff' || n %% 7 ELSE 'api:shop' END,
                          'correlation_id', 'c-' || n, 'merchant_id', %(merchant_id)s),
       now() - n * interval '1 minute'
  FROM generate_series(1, %(count)s) AS n, generate_series(1, 3) AS v
 ORDER BY 1;

-- name: last_position
-- Where the log goes on.
SELECT setval('event_store.event_position', %(base)s + 3 * %(count)s);

-- name: movements
-- A movement at Stripe for each.
INSERT INTO read_model.ledger_movements
       (source_id, category, currency, amount, at, payment_id, position, transaction_id, fee, converted, posted)
SELECT 'ch_many' || n, 'charge', (ARRAY['USD', 'EUR', 'JPY'])[1 + n %% 3], 100 + n %% 90000,
       now() - n * interval '1 minute', md5('payment-' || n)::uuid, %(base)s + 3 * n, 'txn_many' || n, 10, false, true
  FROM generate_series(1, %(count)s) AS n;

-- name: entries
-- Its amount and its fee in the ledger.
INSERT INTO read_model.ledger_entries (position, number, kind, source_id, category, at, merchant_id)
SELECT %(base)s + 3 * n, number, (ARRAY['movement', 'fee'])[number + 1], 'ch_many' || n, 'charge',
       now() - n * interval '1 minute', %(merchant_id)s
  FROM generate_series(1, %(count)s) AS n, generate_series(0, 1) AS number;

-- name: lines
-- Two lines of each entry.
INSERT INTO read_model.ledger_lines (position, number, line, account, currency, amount, at)
SELECT %(base)s + 3 * n, number, line,
       CASE WHEN line = 0 THEN 'stripe_clearing' WHEN number = 0 THEN 'customer_receivable' ELSE 'stripe_fees' END,
       (ARRAY['USD', 'EUR', 'JPY'])[1 + n %% 3],
       CASE WHEN number = 0 THEN 100 + n %% 90000 ELSE -10 END * CASE WHEN line = 0 THEN 1 ELSE -1 END,
       now() - n * interval '1 minute'
  FROM generate_series(1, %(count)s) AS n, generate_series(0, 1) AS number, generate_series(0, 1) AS line;

-- name: days
-- The ledger's sums by day.
INSERT INTO read_model.ledger_days (day, account, currency, debit, credit)
SELECT (at AT TIME ZONE 'UTC')::date, account, currency, sum(greatest(amount, 0)), sum(greatest(-amount, 0))
  FROM read_model.ledger_lines GROUP BY 1, 2, 3;

-- name: quarters
-- The ledger's sums by quarter of an hour.
INSERT INTO read_model.ledger_quarters (quarter, account, currency, debit, credit)
SELECT date_bin('15 minutes', at, '2000-01-01T00:00:00Z'), account, currency, sum(greatest(amount, 0)),
       sum(greatest(-amount, 0))
  FROM read_model.ledger_lines GROUP BY 1, 2, 3;

-- name: totals
-- The payments' counts by quarter of an hour.
INSERT INTO read_model.payment_totals (merchant_id, quarter, currency, status, refusal_code, payments, amount)
SELECT merchant_id, date_bin('15 minutes', created_at, '2000-01-01T00:00:00Z'), currency, status,
       coalesce(last_error->>'decline_code', ''), count(*), sum(amount_cents)
  FROM read_model.payments GROUP BY 1, 2, 3, 4, 5;

-- name: payouts
-- A payout for each hundred payments.
INSERT INTO read_model.payouts
       (payout_id, amount, currency, status, automatic, arrival_date, created_at, updated_at, version, position)
SELECT 'po_many' || n, 100000 + n, 'USD', 'paid', true, current_date - n, now() - n * interval '1 hour',
       now() - n * interval '1 hour', 1, n
  FROM generate_series(1, greatest(%(count)s / 100, 1)) AS n;

-- name: reconciliations
-- A run for each hundred payments.
INSERT INTO read_model.reconciliations
       (run_id, number, date, time_zone, origin, status, attempt, totals, found, opened, resolved, backfilled, payouts,
        requested_at, completed_at, updated_at, version, position)
SELECT md5('run-' || n)::uuid, 1, current_date - n, 'UTC', 'schedule', 'completed', 1,
       '[{"currency": "USD", "stripe_rows": 12, "stripe_amount": 120000, "stripe_fee": 4080, "ledger_rows": 11,
          "ledger_amount": 119000, "ledger_fee": 4021, "foreign_rows": 0, "foreign_amount": 0, "foreign_fee": 0}]',
       '{"missing_here": 1}', 1, 0, 1, 1, now(), now(), now(), 3, n
  FROM generate_series(1, greatest(%(count)s / 100, 1)) AS n;

-- name: discrepancies
-- A difference for each twenty payments, most of them resolved.
INSERT INTO read_model.discrepancies
       (discrepancy_id, kind, source_id, category, date, status, stripe, transaction_ids, payment_id, run_id, opened_at,
        updated_at, version, position, merchant_id)
SELECT md5('discrepancy-' || n)::uuid, 'missing_here', 'ch_many' || n, 'charge', current_date - n / 50,
       CASE WHEN n %% 10 = 0 THEN 'open' ELSE 'resolved' END,
       '{"amount": 1000, "currency": "USD", "fee": 59, "at": "2026-05-01T10:06:40.000Z"}', '["txn_1"]',
       md5('payment-' || n)::uuid, md5('run-' || (1 + n / 50))::uuid, now(), now(), 1, n, %(merchant_id)s
  FROM generate_series(1, greatest(%(count)s / 20, 1)) AS n;

-- name: checkpoints
-- How far the projections are: they have all of it.
INSERT INTO consumers.consumer_checkpoints (consumer, topic, partition, position)
SELECT 'projection:' || name, topic, 0, %(base)s + 3 * %(count)s
  FROM (VALUES ('payments', 'paystream.payment'), ('payment_timeline', 'paystream.payment'),
               ('payment_totals', 'paystream.payment'), ('ledger', 'paystream.stripe-balance'),
               ('payouts', 'paystream.stripe-balance'), ('reconciliations', 'paystream.reconciliation')) AS p(name, topic)
    ON CONFLICT (consumer, topic, partition) DO UPDATE SET position = excluded.position;
