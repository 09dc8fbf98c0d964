DROP FUNCTION event_store.try_append();
DROP TABLE event_store.append_trial;
