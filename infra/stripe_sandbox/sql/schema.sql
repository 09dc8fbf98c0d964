-- The sandbox's file. Bodies are the state of objects (not their rendering), as JSON. Times are unix seconds of the
-- sandbox's own clock.
CREATE TABLE IF NOT EXISTS objects (
    seq INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    payment_intent TEXT,
    created INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS objects_by_kind ON objects (account, kind, seq);
CREATE INDEX IF NOT EXISTS objects_by_intent ON objects (payment_intent, kind) WHERE payment_intent IS NOT NULL;

CREATE TABLE IF NOT EXISTS intent_metadata (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (account, key, value, id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS idempotency_keys (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    request_id TEXT NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    created REAL NOT NULL,
    PRIMARY KEY (account, key)
);

CREATE TABLE IF NOT EXISTS pending_transitions (
    id TEXT PRIMARY KEY,
    due REAL NOT NULL
) WITHOUT ROWID;

-- What came into and went out of the balances. `shown` is 0 for a row that a fault keeps from the API.
CREATE TABLE IF NOT EXISTS balance_transactions (
    seq INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    payout TEXT,
    type TEXT NOT NULL,
    reporting_category TEXT NOT NULL,
    currency TEXT NOT NULL,
    amount INTEGER NOT NULL,
    fee INTEGER NOT NULL,
    description TEXT,
    created INTEGER NOT NULL,
    available_on INTEGER NOT NULL,
    shown INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS balance_by_source ON balance_transactions (source);
CREATE INDEX IF NOT EXISTS balance_by_payout ON balance_transactions (payout, seq) WHERE payout IS NOT NULL;

-- What happened: for each change a JSON list of the events that tell it, with the state of their objects at that moment.
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    created INTEGER NOT NULL,
    request_id TEXT,
    idempotency_key TEXT,
    told TEXT NOT NULL
);

-- One row for each event and endpoint (more when a fault sends it twice). `state` is pending, delivered, failed (all
-- retries used up, or nobody to send it to any more) or lost (by a fault). `falsified` says how it is not the truth.
CREATE TABLE IF NOT EXISTS deliveries (
    seq INTEGER PRIMARY KEY,
    event TEXT NOT NULL,
    type TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    state TEXT NOT NULL,
    due REAL NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    falsified TEXT,
    last_status INTEGER,
    last_error TEXT
);
CREATE INDEX IF NOT EXISTS deliveries_due ON deliveries (due) WHERE state = 'pending';
CREATE INDEX IF NOT EXISTS deliveries_of_event ON deliveries (event);
CREATE INDEX IF NOT EXISTS deliveries_not_taken ON deliveries (event, type)
    WHERE state <> 'delivered' AND falsified IS NULL;

-- Rules of faults, with how often each was looked at and came true.
CREATE TABLE IF NOT EXISTS fault_rules (
    id INTEGER PRIMARY KEY,
    rule TEXT NOT NULL,
    seen INTEGER NOT NULL DEFAULT 0,
    fired INTEGER NOT NULL DEFAULT 0
);

-- The clock's rate and how far it was moved.
CREATE TABLE IF NOT EXISTS clock (
    only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
    real_time REAL NOT NULL,
    sandbox_time REAL NOT NULL,
    rate REAL NOT NULL
);
