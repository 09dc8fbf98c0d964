-- Who asked for a refresh: `reconciliation`, who is then the actor of what it finds. NULL: anybody else, and whoever runs a
-- gateway of before, which does not know of it.
ALTER TABLE consumers.gateway_tasks ADD COLUMN asked_by text;
