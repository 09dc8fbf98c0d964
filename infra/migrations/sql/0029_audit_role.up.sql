-- Who audits: reads the log and what was built from it, and changes nothing.

DO $$
BEGIN
    CREATE ROLE paystream_audit NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- roles belong to the cluster: another database may have made it, even at this moment
END
$$;

GRANT USAGE ON SCHEMA event_store, consumers, read_model TO paystream_audit;
GRANT SELECT ON event_store.events, event_store.streams, event_store.event_position, event_store.refused_events
    TO paystream_audit;
GRANT EXECUTE ON FUNCTION event_store.log_state(), event_store.load_streams(uuid[], bigint, bigint) TO paystream_audit;
GRANT SELECT ON consumers.gateway_tasks, consumers.consumer_checkpoints TO paystream_audit;
GRANT SELECT ON ALL TABLES IN SCHEMA read_model TO paystream_audit;
-- What a later migration adds to the read model is read too.
ALTER DEFAULT PRIVILEGES IN SCHEMA read_model GRANT SELECT ON TABLES TO paystream_audit;
