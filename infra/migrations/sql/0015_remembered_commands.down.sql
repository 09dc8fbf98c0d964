DROP FUNCTION event_store.remember(text, text, text, smallint, text, uuid, bigint);
