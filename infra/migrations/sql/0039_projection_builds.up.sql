-- Rebuilds of projections: what has been built beside the live tables, how far it has come, and who swapped it in.

CREATE TABLE consumers.projection_builds (
    build_id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    projection    text        NOT NULL,
    phase         text        NOT NULL DEFAULT 'building' CHECK (phase IN
        ('building', 'catching_up', 'compared', 'swapped', 'dropped', 'abandoned')),
    epoch         integer     NOT NULL,               -- of the log that it is built from
    started_by    text        NOT NULL,
    started_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    updated_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- How far it has come; written in the transaction of each batch.
    batches       bigint      NOT NULL DEFAULT 0,     -- of two processes that go on from the same batch, one fails
    events        bigint      NOT NULL DEFAULT 0,
    busy_ms       bigint      NOT NULL DEFAULT 0,
    read_through  bigint      NOT NULL DEFAULT 0,     -- all events up to here are applied, or skipped
    checkpoints   jsonb       NOT NULL DEFAULT '[]',  -- array of [topic, partition, position]
    skipped       bigint[]    NOT NULL DEFAULT '{}',  -- positions that the live projection lacks: dead letters
    -- What a comparison with the live tables has found.
    compared_at   timestamptz,
    compared_at_position bigint,
    differences   bigint,
    -- The swap.
    swapped_at    timestamptz,
    swapped_by    text,
    swapped_at_position bigint,
    forced        boolean     NOT NULL DEFAULT false,
    reason        text,
    ended_by      text,                               -- who dropped what was left
    ended_at      timestamptz,
    CHECK ((phase IN ('dropped', 'abandoned')) = (ended_at IS NOT NULL)),
    CHECK (NOT forced OR reason IS NOT NULL)
);
CREATE UNIQUE INDEX projection_builds_open ON consumers.projection_builds (projection)
    WHERE phase IN ('building', 'catching_up', 'compared');

-- What maps events to rows runs as this role, which may write the tables of a build and nothing else: a statement that
-- names a live table by mistake is refused. Only the owner takes it on; nobody logs in as it.
DO $$
BEGIN
    CREATE ROLE paystream_rebuild NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- roles belong to the cluster: another database may have made it, even at this moment
END
$$;
DO $$
BEGIN
    IF NOT pg_has_role(current_user, 'paystream_rebuild', 'SET') THEN
        EXECUTE format('GRANT paystream_rebuild TO %I WITH INHERIT FALSE, SET TRUE', current_user);
    END IF;
END
$$;

-- The owner writes it; whoever audits sees who replaced which tables, and why.
GRANT SELECT ON consumers.projection_builds TO paystream_audit;
