-- Proofs of the log: how far it was sealed, and what was signed then. The tiles of the tree are files (docs/proofs.md).

DO $$
BEGIN
    CREATE ROLE paystream_sealer NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- roles belong to the cluster: another database may have made it, even at this moment
END
$$;

CREATE SCHEMA event_proofs;

-- Indexes of the tree are dense, positions have gaps: the events of one row are those behind the last position of the row
-- before it, up to its own; their statements, with their positions, are in the bundles of entries.
CREATE TABLE event_proofs.checkpoints (
    size          bigint      PRIMARY KEY CHECK (size > 0),
    root          bytea       NOT NULL CHECK (octet_length(root) = 32),
    last_position bigint      NOT NULL UNIQUE,
    note          text        NOT NULL,  -- as it was signed
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION event_proofs.refuse_change() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'event_proofs.% is append-only: % is refused', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'insufficient_privilege';
END
$$;

CREATE TRIGGER checkpoints_append_only BEFORE UPDATE OR DELETE ON event_proofs.checkpoints
    FOR EACH ROW EXECUTE FUNCTION event_proofs.refuse_change();
CREATE TRIGGER checkpoints_no_truncate BEFORE TRUNCATE ON event_proofs.checkpoints
    FOR EACH STATEMENT EXECUTE FUNCTION event_proofs.refuse_change();

-- Who seals: reads the log, and adds checkpoints.
GRANT USAGE ON SCHEMA event_store, event_proofs TO paystream_sealer;
GRANT SELECT ON event_store.events, event_store.event_position TO paystream_sealer;
GRANT EXECUTE ON FUNCTION event_store.log_state() TO paystream_sealer;
GRANT SELECT, INSERT ON event_proofs.checkpoints TO paystream_sealer;

GRANT USAGE ON SCHEMA event_proofs TO paystream_audit;
GRANT SELECT ON event_proofs.checkpoints TO paystream_audit;
