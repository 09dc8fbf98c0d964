ALTER DEFAULT PRIVILEGES IN SCHEMA read_model REVOKE SELECT ON TABLES FROM paystream_audit;
REVOKE ALL ON ALL TABLES IN SCHEMA event_store, consumers, read_model FROM paystream_audit;
REVOKE ALL ON event_store.event_position FROM paystream_audit;
REVOKE ALL ON FUNCTION event_store.log_state(), event_store.load_streams(uuid[], bigint, bigint) FROM paystream_audit;
REVOKE ALL ON SCHEMA event_store, consumers, read_model FROM paystream_audit;
-- The role stays: it belongs to the cluster, where another database may use it.
