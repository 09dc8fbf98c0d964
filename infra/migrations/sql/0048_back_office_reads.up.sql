-- What people ask of money by day, so that the answer costs as much as the days that are asked for and no history.

-- Payouts as Stripe says they are, built by the projection `payouts`.
CREATE TABLE read_model.payouts (
    payout_id    text        PRIMARY KEY,
    amount       bigint      NOT NULL,
    currency     text        NOT NULL,
    status       text        NOT NULL,
    automatic    boolean     NOT NULL,
    failure_code text,
    arrival_date date        NOT NULL,
    created_at   timestamptz NOT NULL,
    updated_at   timestamptz NOT NULL,
    version      bigint      NOT NULL,
    position     bigint      NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX payouts_newest ON read_model.payouts (created_at DESC, payout_id DESC);
CREATE INDEX payouts_by_status ON read_model.payouts (status, created_at DESC, payout_id DESC);

-- The ledger's sums by quarter of an hour, in UTC: every business zone's days are made of them. Kept by the projection
-- `ledger` beside ledger_days.
CREATE TABLE read_model.ledger_quarters (
    quarter  timestamptz NOT NULL,  -- when it begins
    account  text        NOT NULL,
    currency text        NOT NULL,
    debit    bigint      NOT NULL,
    credit   bigint      NOT NULL,
    PRIMARY KEY (quarter, account, currency)
) WITH (fillfactor = 50);
INSERT INTO read_model.ledger_quarters (quarter, account, currency, debit, credit)
SELECT date_bin('15 minutes', at, '2000-01-01T00:00:00Z'), account, currency, sum(greatest(amount, 0)), sum(greatest(-amount, 0))
  FROM read_model.ledger_lines
 GROUP BY 1, 2, 3;

-- How many payments stand where, by the quarter of an hour in which they were made; built by the projection `payment_totals`.
CREATE TABLE read_model.payment_totals (
    merchant_id text        NOT NULL,
    quarter     timestamptz NOT NULL,
    currency    text        NOT NULL,
    status      text        NOT NULL,
    refusal_code text       NOT NULL,  -- of the last refusal by Stripe; empty: none
    payments    bigint      NOT NULL,
    amount      bigint      NOT NULL,  -- that was asked for
    PRIMARY KEY (merchant_id, quarter, currency, status, refusal_code)
) WITH (fillfactor = 50);

-- What each payment is counted as.
CREATE TABLE read_model.counted_payments (
    payment_id  uuid        PRIMARY KEY,
    merchant_id text        NOT NULL,
    quarter     timestamptz NOT NULL,
    currency    text        NOT NULL,
    status      text        NOT NULL,
    refusal_code text       NOT NULL,
    amount      bigint      NOT NULL,
    version     bigint      NOT NULL
) WITH (fillfactor = 80);

GRANT SELECT, INSERT, UPDATE, DELETE ON read_model.payouts, read_model.ledger_quarters, read_model.payment_totals,
      read_model.counted_payments TO paystream_projector;
GRANT SELECT ON read_model.payouts, read_model.ledger_quarters, read_model.payment_totals TO paystream_query;
