GRANT USAGE ON SCHEMA ledger TO paystream_projector, paystream_query;
GRANT SELECT ON privacy.usable_keys TO paystream_erasure;
GRANT SELECT ON ledger.stripe_movements TO paystream_projector, paystream_query;
GRANT SELECT ON event_store.stripe_id_owners TO paystream_app;
