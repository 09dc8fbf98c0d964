-- Dead letters: Kafka records that a consumer could not apply, and later records of the same streams, parked behind
-- them. This table is the truth; the topics <topic>.dlq.<consumer> announce it.

CREATE TABLE consumers.dead_letters (
    id                bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer          text        NOT NULL,
    topic             text        NOT NULL,
    partition         integer     NOT NULL,
    kafka_offset      bigint      NOT NULL,  -- where it was last delivered: a topic that is filled anew has others
    kafka_timestamp   timestamptz NOT NULL,
    position          bigint      CHECK (position > 0),  -- the event's, where it could be read
    previous_position bigint,
    stream            text,                  -- what keeps its order; NULL: nothing waits behind this record
    key               bytea,
    value             bytea,
    headers           bytea       NOT NULL,  -- JSON array of [name, value in base64 or null]: jsonb takes no NUL
    digest            bytea       NOT NULL,  -- SHA-256 of key, value and headers: knows a record without a position again
    lacking           text[]      NOT NULL,  -- checkpoints that have not applied it: a projector has one a projection
    reason            text        NOT NULL CHECK (reason IN ('undecodable', 'refused', 'behind')),
    error_type        text        NOT NULL,
    error             text        NOT NULL,
    attempts          integer     NOT NULL DEFAULT 1,
    status            text        NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'replaying', 'applied', 'discarded')),
    created_at        timestamptz NOT NULL DEFAULT now(),
    failed_at         timestamptz NOT NULL DEFAULT now(),
    asked_by          text,                  -- who asked for the last replay
    announced_at      timestamptz,
    announced_offset  bigint,
    resolved_at       timestamptz,
    resolved_by       text,
    resolution        text,                  -- why, or by what
    CHECK ((position IS NULL) = (previous_position IS NULL)),
    CHECK ((status IN ('applied', 'discarded')) = (resolved_at IS NOT NULL))
);

CREATE UNIQUE INDEX dead_letters_position ON consumers.dead_letters (consumer, topic, partition, position);
CREATE UNIQUE INDEX dead_letters_digest ON consumers.dead_letters (consumer, topic, partition, digest)
    WHERE position IS NULL;
-- What is not resolved: nearly always nothing, so that asking every second costs nothing.
CREATE INDEX dead_letters_open ON consumers.dead_letters (consumer, topic, partition, stream, position)
    WHERE status IN ('open', 'replaying');

-- Both are read with the checkpoint, under its lock, so that a partition without dead letters costs no statement more.
-- dead_letters_until: look for dead letters while the checkpoint is below this position; the highest number while one
-- is open. dead_letters_forgiven: the newest dead letter (id) when an event was last applied beside open ones: those
-- after it are failures in a row.
ALTER TABLE consumers.consumer_checkpoints
    ADD COLUMN dead_letters_until    bigint NOT NULL DEFAULT 0,
    ADD COLUMN dead_letters_forgiven bigint NOT NULL DEFAULT 0;

GRANT SELECT, INSERT, UPDATE ON consumers.dead_letters TO paystream_app, paystream_projector;
