-- The reconciliation with Stripe: which runs are wanted, Stripe's rows while a run compares them, and what differs.
-- All of it follows from the log and from Stripe; the worker reads the topic anew when it is lost.

CREATE SCHEMA reconciliation;

-- The newest run of each day.
CREATE TABLE reconciliation.runs (
    run_id       uuid        PRIMARY KEY,
    number       integer     NOT NULL,
    date         date        NOT NULL,
    time_zone    text        NOT NULL,
    report       text,                   -- Stripe's rows come from a file: whoever has it runs it
    status       text        NOT NULL CHECK (status IN ('due', 'completed', 'failed')),
    due_at       timestamptz NOT NULL DEFAULT now(),
    attempts     integer     NOT NULL DEFAULT 0,
    last_error   text,
    completed_at timestamptz,
    updated_at   timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX runs_due ON reconciliation.runs (due_at) WHERE status = 'due';
CREATE INDEX runs_by_date ON reconciliation.runs (date);

-- Stripe's rows, as an execution of a run read them. Each execution has its own, so that two at once do not meet, and
-- throws them away. Unlogged: after a crash of the server they are gone, which is noticed, and read again. Sorted as
-- Python sorts.
CREATE TABLE reconciliation.stagings (
    staging_id uuid        PRIMARY KEY,
    run_id     uuid        NOT NULL,
    rows       bigint      NOT NULL DEFAULT 0,  -- what was written: the table must hold as many
    begun_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    touched_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE UNLOGGED TABLE reconciliation.stripe_rows (
    staging_id     uuid   NOT NULL,
    source_id      text   COLLATE "C" NOT NULL,
    category       text   NOT NULL,
    transaction_id text   NOT NULL,
    amount         bigint NOT NULL,
    fee            bigint NOT NULL,
    currency       text   NOT NULL,
    created        bigint NOT NULL,
    exchange_rate  text
);

CREATE INDEX stripe_rows_sorted ON reconciliation.stripe_rows (staging_id, source_id);

-- Discrepancies as they stand, written in the transaction of their events. `seen_at`: when a run last found it; what a
-- whole run of its day did not find is gone.
CREATE TABLE reconciliation.discrepancies (
    discrepancy_id  uuid        PRIMARY KEY,
    version         bigint      NOT NULL,  -- of its stream: two that write at once leave the newer
    run_id          uuid        NOT NULL,  -- of the run that opened it, or found it again
    number          integer     NOT NULL,
    date            date        NOT NULL,
    kind            text        NOT NULL,
    source_id       text        NOT NULL,
    category        text        NOT NULL,
    status          text        NOT NULL CHECK (status IN ('open', 'explained', 'resolved')),
    payment_id      uuid,
    stripe_amount   bigint,
    stripe_currency text,
    stripe_fee      bigint,
    ledger_amount   bigint,
    ledger_currency text,
    ledger_fee      bigint,
    who             text,
    why             text,
    resolved_run_id uuid,                  -- of the run that found it gone
    resolved_number integer,
    healed_run_id   uuid,                  -- of the run that had its payment read at Stripe once more
    healed_number   integer,
    opened_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    seen_at         timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX discrepancies_unresolved ON reconciliation.discrepancies (seen_at) WHERE status <> 'resolved';
CREATE INDEX discrepancies_opened ON reconciliation.discrepancies (run_id, number);
CREATE INDEX discrepancies_resolved ON reconciliation.discrepancies (resolved_run_id, resolved_number);
CREATE INDEX discrepancies_healed ON reconciliation.discrepancies (healed_run_id, healed_number);

GRANT USAGE ON SCHEMA reconciliation TO paystream_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA reconciliation TO paystream_app;
