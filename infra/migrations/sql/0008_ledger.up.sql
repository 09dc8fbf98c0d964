-- The double-entry ledger: entries with their lines, and what other parts of the system may know of it. All of it is
-- built by the projection `ledger` from the event store: empty these tables, delete its checkpoints, and it is again.

-- What of a stream's earlier events its later ones need: refunds that may still post, a payout that is at the bank.
CREATE TABLE read_model.ledger_streams (
    stream_id uuid   PRIMARY KEY,
    version   bigint NOT NULL,
    state     jsonb  NOT NULL
) WITH (fillfactor = 80);

-- One row for all that moved a source in a category: what moved it, and Stripe's first row of it. A payment's own events
-- may come before that row or after it; the lock of the row here makes them meet.
CREATE TABLE read_model.ledger_movements (
    source_id            text        NOT NULL,  -- Stripe's id: ch_, re_, du_, po_, or the row's own
    category             text        NOT NULL,  -- Stripe's reporting category
    currency             text,                  -- the movement; NULL: only Stripe's row is known yet
    amount               bigint,
    at                   timestamptz,
    payment_id           uuid,
    position             bigint,
    transaction_id       text,                  -- Stripe's row of the lowest position; NULL: none is known yet
    transaction_position bigint,
    transaction_currency text,
    transaction_amount   bigint,
    fee                  bigint,
    exchange_rate        text,
    transaction_at       timestamptz,
    converted            boolean     NOT NULL DEFAULT false,  -- the conversion is posted
    PRIMARY KEY (source_id, category),
    CHECK ((position IS NULL) = (amount IS NULL AND currency IS NULL AND at IS NULL)),
    CHECK ((transaction_id IS NULL) = (transaction_position IS NULL AND fee IS NULL AND transaction_at IS NULL)),
    CHECK (position IS NOT NULL OR transaction_id IS NOT NULL)
) WITH (fillfactor = 80);
CREATE INDEX ledger_movements_at ON read_model.ledger_movements (at);  -- a day of them, for a reconciliation
CREATE INDEX ledger_movements_payment ON read_model.ledger_movements (payment_id) WHERE payment_id IS NOT NULL;

CREATE TABLE read_model.ledger_entries (
    position  bigint      NOT NULL,  -- of the event that it is posted by; of a conversion, of Stripe's row
    number    smallint    NOT NULL,  -- within that event
    kind      text        NOT NULL CHECK (kind IN ('movement', 'fee', 'conversion', 'arrival')),
    source_id text        NOT NULL,
    category  text        NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (position, number)
);
CREATE INDEX ledger_entries_newest ON read_model.ledger_entries (at DESC, position DESC, number DESC);
CREATE INDEX ledger_entries_source ON read_model.ledger_entries (source_id);

CREATE TABLE read_model.ledger_lines (
    position bigint      NOT NULL,
    number   smallint    NOT NULL,
    line     smallint    NOT NULL,
    account  text        NOT NULL,
    currency text        NOT NULL,
    amount   bigint      NOT NULL,  -- debit above zero, credit below
    at       timestamptz NOT NULL,
    PRIMARY KEY (position, number, line)
);
CREATE INDEX ledger_lines_account ON read_model.ledger_lines (account, at);
CREATE INDEX ledger_lines_at ON read_model.ledger_lines (at);

-- Sums by day in UTC, so that a balance as of any time is a few rows and the lines of one day.
CREATE TABLE read_model.ledger_days (
    day      date   NOT NULL,
    account  text   NOT NULL,
    currency text   NOT NULL,
    debit    bigint NOT NULL,
    credit   bigint NOT NULL,
    PRIMARY KEY (day, account, currency)
) WITH (fillfactor = 50);

-- The rules cannot make an entry whose sides differ, and nobody else shall.
CREATE FUNCTION read_model.refuse_unbalanced() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    SELECT a.position, a.number, a.currency, sum(a.amount) AS difference INTO wrong
      FROM added a GROUP BY a.position, a.number, a.currency HAVING sum(a.amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'entry %/% is not balanced: % %', wrong.position, wrong.number, wrong.difference, wrong.currency
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER ledger_lines_balanced AFTER INSERT ON read_model.ledger_lines
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION read_model.refuse_unbalanced();

-- What the ledger offers to others, by SQL.
CREATE SCHEMA ledger;

-- One row for each movement, in the category that Stripe's row of it has: `amount` is its effect on stripe_clearing
-- without the fee, as the ledger has it; of a movement that Stripe converted, after the conversion. `fee` is the one that
-- the ledger has recorded for it, from Stripe's row `transaction_id` (the first, should there be several); NULL: none yet.
-- Of a movement that only Stripe tells of, although a payment's own events should, there is no row.
CREATE VIEW ledger.stripe_movements AS
SELECT source_id, category,
       CASE WHEN converted THEN transaction_currency ELSE currency END AS currency,
       CASE WHEN converted THEN transaction_amount ELSE amount END AS amount,
       fee, at, payment_id, position, transaction_id
  FROM read_model.ledger_movements
 WHERE position IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON read_model.ledger_streams, read_model.ledger_movements,
      read_model.ledger_entries, read_model.ledger_lines, read_model.ledger_days TO paystream_projector;
GRANT SELECT ON read_model.ledger_movements, read_model.ledger_entries, read_model.ledger_lines,
      read_model.ledger_days TO paystream_query;
GRANT USAGE ON SCHEMA ledger TO paystream_app, paystream_projector, paystream_query;
GRANT SELECT ON ledger.stripe_movements TO paystream_app, paystream_projector, paystream_query;
GRANT USAGE ON SCHEMA read_model TO paystream_app;
GRANT SELECT ON read_model.projection_checkpoints TO paystream_app;
