-- What a pending refund posts stands with Stripe's row of it or with the event by which it succeeds, whichever is first in
-- the log. Whatever is there already is posted.
ALTER TABLE read_model.ledger_movements
    ADD COLUMN posted         boolean NOT NULL DEFAULT true,  -- false: the money may never move
    ADD COLUMN due_position   bigint,                         -- of the event by which it succeeds
    ADD COLUMN due_at         timestamptz,
    ADD COLUMN entry_position bigint,                         -- with which of both its entry stands
    ADD CHECK ((due_position IS NULL) = (due_at IS NULL)) NOT VALID;

-- Rows of Stripe's balance of which ledger_movements cannot tell: those beside the first of their source and category, and
-- those of payments that nobody has told of, which post their fee once somebody does.
CREATE TABLE read_model.ledger_transactions (
    transaction_id text        PRIMARY KEY,
    source_id      text        NOT NULL,
    category       text        NOT NULL,
    position       bigint      NOT NULL,
    currency       text        NOT NULL,
    amount         bigint      NOT NULL,
    fee            bigint      NOT NULL,
    at             timestamptz NOT NULL,
    posted         boolean     NOT NULL,  -- its amount is, by the row itself: of a payment, that of a dispute's second row
    fee_posted     boolean     NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX ledger_transactions_source ON read_model.ledger_transactions (source_id, category);
CREATE INDEX ledger_transactions_at ON read_model.ledger_transactions (at) WHERE posted;

-- Second rows that are posted already; their first ones are in ledger_movements.
INSERT INTO read_model.ledger_transactions
      (transaction_id, source_id, category, position, currency, amount, fee, at, posted, fee_posted)
SELECT v.data->>'transaction_id', e.source_id, e.category, e.position, v.data->>'currency', (v.data->>'amount')::bigint,
       (v.data->>'fee')::bigint, e.at, true, true
  FROM read_model.ledger_entries e
  JOIN read_model.ledger_movements m USING (source_id, category)
  JOIN event_store.events v ON v.position = e.position AND v.type = 'stripe_balance.transaction_recorded'
 WHERE e.kind = 'movement' AND m.transaction_position = m.position AND e.position <> m.position
    ON CONFLICT DO NOTHING;

-- One row for each movement, in the category that Stripe's row of it has: `amount` is its effect on stripe_clearing
-- without the fee, as the ledger has it; of a movement that Stripe converted, after the conversion. `fee` is the one that
-- the ledger has recorded for it, from Stripe's row `transaction_id`; NULL: none yet. Of a movement that only Stripe tells
-- of, although a payment's own events should, there is no row, nor of a refund that may come to nothing. Of several of
-- Stripe's rows each one that the ledger has posted by itself is here.
CREATE OR REPLACE VIEW ledger.stripe_movements AS
SELECT source_id, category,
       CASE WHEN converted THEN transaction_currency ELSE currency END AS currency,
       CASE WHEN converted THEN transaction_amount ELSE amount END AS amount,
       fee, at, payment_id, position, transaction_id, transaction_at,
       CASE WHEN converted THEN amount END AS presented_amount,
       CASE WHEN converted THEN currency END AS presented_currency
  FROM read_model.ledger_movements m
 WHERE position IS NOT NULL
   AND (posted
        -- What went has to come back.
        OR (category = 'refund_failure'
            AND EXISTS (SELECT FROM read_model.ledger_movements went
                         WHERE went.source_id = m.source_id AND went.category = 'refund'
                           AND went.transaction_id IS NOT NULL)))
UNION ALL
SELECT t.source_id, t.category, t.currency, t.amount, t.fee, t.at, m.payment_id, t.position, t.transaction_id,
       t.at AS transaction_at, NULL AS presented_amount, NULL AS presented_currency
  FROM read_model.ledger_transactions t
  JOIN read_model.ledger_movements m ON m.source_id = t.source_id AND m.category = t.category
 WHERE t.posted AND t.transaction_id <> m.transaction_id;

GRANT SELECT, INSERT, UPDATE, DELETE ON read_model.ledger_transactions TO paystream_projector;
