ALTER TABLE consumers.gateway_tasks DROP COLUMN asked_by;
