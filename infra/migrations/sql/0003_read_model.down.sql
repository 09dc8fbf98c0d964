-- Removes the read model and the progress of its projections: both are built anew from the event store.
DROP SCHEMA read_model CASCADE;
DELETE FROM consumers.consumer_checkpoints WHERE consumer LIKE 'projection:%';
REVOKE ALL ON consumers.consumer_checkpoints FROM paystream_projector;
REVOKE ALL ON SCHEMA consumers FROM paystream_projector;
