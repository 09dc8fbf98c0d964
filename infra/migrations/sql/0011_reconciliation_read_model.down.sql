-- Removes the tables and the progress of their projection: both are built anew from the event store.
DROP TABLE read_model.discrepancies, read_model.reconciliations;
DELETE FROM consumers.consumer_checkpoints WHERE consumer = 'projection:reconciliation';
