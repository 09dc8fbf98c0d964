DROP TABLE event_store.refused_events;
DROP TRIGGER gateway_tasks_unblock ON consumers.gateway_tasks;
DROP FUNCTION consumers.unblock_next();
DROP INDEX consumers.gateway_tasks_leased, consumers.gateway_tasks_lanes;
DROP FUNCTION consumers.claim_rank(text);
ALTER TABLE consumers.gateway_tasks DROP COLUMN blocked;
