-- Stop the projector first. Removes the ledger and its progress: both are built anew from the event store.
DROP SCHEMA ledger CASCADE;
DROP TABLE read_model.ledger_streams, read_model.ledger_movements, read_model.ledger_entries, read_model.ledger_lines,
           read_model.ledger_days;
DROP FUNCTION read_model.refuse_unbalanced();
REVOKE ALL ON read_model.projection_checkpoints FROM paystream_app;
REVOKE ALL ON SCHEMA read_model FROM paystream_app;
DELETE FROM consumers.consumer_checkpoints WHERE consumer = 'projection:ledger';
