-- The sandbox's file. Bodies are the state of objects (not their rendering), as JSON.
CREATE TABLE objects (
    seq INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    payment_intent TEXT,
    created INTEGER NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX objects_by_kind ON objects (account, kind, seq);
CREATE INDEX objects_by_intent ON objects (payment_intent, kind) WHERE payment_intent IS NOT NULL;

CREATE TABLE intent_metadata (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (account, key, value, id)
) WITHOUT ROWID;

CREATE TABLE idempotency_keys (
    account TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    request_id TEXT NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (account, key)
);

CREATE TABLE pending_transitions (
    id TEXT PRIMARY KEY,
    due REAL NOT NULL
) WITHOUT ROWID;
