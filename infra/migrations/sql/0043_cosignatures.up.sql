-- Who else has signed a checkpoint: witnesses, which saw that it goes on from the one before (docs/proofs.md).

CREATE TABLE event_proofs.cosignatures (
    size       bigint      NOT NULL REFERENCES event_proofs.checkpoints,
    witness    text        NOT NULL,  -- its public key, as name+id+base64
    line       text        NOT NULL,  -- as it stands below the checkpoint
    signed_at  timestamptz NOT NULL,  -- as the witness says
    PRIMARY KEY (witness, size)
);
CREATE INDEX cosignatures_size ON event_proofs.cosignatures (size, witness);

CREATE TRIGGER cosignatures_append_only BEFORE UPDATE OR DELETE ON event_proofs.cosignatures
    FOR EACH ROW EXECUTE FUNCTION event_proofs.refuse_change();
CREATE TRIGGER cosignatures_no_truncate BEFORE TRUNCATE ON event_proofs.cosignatures
    FOR EACH STATEMENT EXECUTE FUNCTION event_proofs.refuse_change();

GRANT SELECT, INSERT ON event_proofs.cosignatures TO paystream_sealer;
GRANT SELECT ON event_proofs.cosignatures TO paystream_audit;
