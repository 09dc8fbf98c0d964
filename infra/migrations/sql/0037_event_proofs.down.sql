-- The signed checkpoints are in the folder of the tiles too; a sealer that comes back goes on from there.
DROP TABLE event_proofs.checkpoints;
DROP FUNCTION event_proofs.refuse_change();
DROP SCHEMA event_proofs;
REVOKE ALL ON event_store.events, event_store.event_position FROM paystream_sealer;
REVOKE ALL ON FUNCTION event_store.log_state() FROM paystream_sealer;
REVOKE ALL ON SCHEMA event_store FROM paystream_sealer;
-- The role stays: it belongs to the cluster, where another database may use it.
