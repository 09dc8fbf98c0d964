DROP INDEX read_model.payments_disputes_to_answer;
DROP FUNCTION event_store.standbys();
