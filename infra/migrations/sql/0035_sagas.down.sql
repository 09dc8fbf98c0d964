-- The rows follow from the log: the worker reads its topics anew where they were lost.
DROP TABLE consumers.saga_participants, consumers.sagas;
DELETE FROM consumers.consumer_checkpoints WHERE consumer = 'sagas';
