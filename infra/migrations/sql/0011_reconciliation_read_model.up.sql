-- Reconciliations and discrepancies as the query API shows them, built by the projection `reconciliation` from the event
-- store alone.

-- One row a day: its newest run.
CREATE TABLE read_model.reconciliations (
    run_id       uuid        PRIMARY KEY,
    number       integer     NOT NULL,
    date         date        NOT NULL,
    time_zone    text        NOT NULL,
    origin       text        NOT NULL,
    report       text,
    status       text        NOT NULL,
    attempt      integer     NOT NULL,
    failure      text,
    totals       jsonb       NOT NULL,
    found        jsonb       NOT NULL,
    opened       integer     NOT NULL,
    resolved     integer     NOT NULL,
    healing      integer     NOT NULL,
    payouts      integer     NOT NULL,
    requested_at timestamptz NOT NULL,
    completed_at timestamptz,
    updated_at   timestamptz NOT NULL,
    version      bigint      NOT NULL,
    position     bigint      NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX reconciliations_newest ON read_model.reconciliations (date DESC, run_id DESC);

CREATE TABLE read_model.discrepancies (
    discrepancy_id  uuid        PRIMARY KEY,
    kind            text        NOT NULL,
    source_id       text        NOT NULL,
    category        text        NOT NULL,
    date            date        NOT NULL,
    status          text        NOT NULL,
    stripe          jsonb,               -- what the book says; NULL: it lacks the row
    ledger          jsonb,
    transaction_ids jsonb       NOT NULL,
    payment_id      uuid,
    run_id          uuid        NOT NULL,
    who             text,
    why             text,
    opened_at       timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    version         bigint      NOT NULL,
    position        bigint      NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX discrepancies_newest ON read_model.discrepancies (date DESC, discrepancy_id DESC);
CREATE INDEX discrepancies_unresolved ON read_model.discrepancies (date DESC, discrepancy_id DESC)
    WHERE status <> 'resolved';
CREATE INDEX discrepancies_by_source ON read_model.discrepancies (source_id);
CREATE INDEX discrepancies_by_payment ON read_model.discrepancies (payment_id) WHERE payment_id IS NOT NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON read_model.reconciliations, read_model.discrepancies TO paystream_projector;
GRANT SELECT ON read_model.reconciliations, read_model.discrepancies TO paystream_query;
