-- Removes every dead letter, the open ones too, whose events the checkpoints have passed: replay them first.
ALTER TABLE consumers.consumer_checkpoints
    DROP COLUMN dead_letters_until,
    DROP COLUMN dead_letters_forgiven;
DROP TABLE consumers.dead_letters;
