-- Removes the consumers' checkpoints and every gateway task, the open ones too: stop the consumers first.
DROP SCHEMA consumers CASCADE;
