-- Sagas: a row each, with its timer. What a saga is and did is in its own stream of the log; this is when to look at it.

CREATE TABLE consumers.sagas (
    saga_id        uuid        PRIMARY KEY,  -- its stream
    kind           text        NOT NULL,
    merchant_id    text        NOT NULL,
    correlation_id text        NOT NULL,
    traceparent    text,
    status         text        NOT NULL DEFAULT 'running' CHECK (status IN
        ('running', 'committing', 'compensating', 'compensation_stuck', 'completed', 'compensated', 'given_up')),
    due_at         timestamptz DEFAULT clock_timestamp(),  -- NULL: it waits for events alone
    participants   integer     NOT NULL DEFAULT 0,         -- how many of consumers.saga_participants are written
    failures       integer     NOT NULL DEFAULT 0,         -- steps in a row that failed
    last_error     text,
    created_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    status_since   timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at     timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 70);

CREATE INDEX sagas_due ON consumers.sagas (due_at) WHERE due_at IS NOT NULL;
-- What is counted, and listed to operators.
CREATE INDEX sagas_open ON consumers.sagas (created_at, saga_id)
    WHERE status IN ('running', 'committing', 'compensating', 'compensation_stuck');

-- Whose events concern which saga. Kept after its end: a refund that succeeded can still turn failed.
CREATE TABLE consumers.saga_participants (
    stream_id uuid NOT NULL,
    saga_id   uuid NOT NULL,
    PRIMARY KEY (stream_id, saga_id)
);

-- There is no saga yet, so no payment of before concerns one: the worker does not apply them all.
INSERT INTO consumers.consumer_checkpoints (consumer, topic, partition, position)
SELECT 'sagas', topic, partition, position
  FROM consumers.consumer_checkpoints
 WHERE consumer = 'stripe-gateway' AND topic = 'paystream.payment';

GRANT SELECT, INSERT, UPDATE ON consumers.sagas, consumers.saga_participants TO paystream_app;
