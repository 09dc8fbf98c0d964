-- Removes what the worker keeps; runs and discrepancies are in the log.
DROP SCHEMA reconciliation CASCADE;
DELETE FROM consumers.consumer_checkpoints WHERE consumer = 'reconciliation';
