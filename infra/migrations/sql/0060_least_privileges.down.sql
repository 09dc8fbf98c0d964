GRANT UPDATE ON read_model.ledger_entries, read_model.ledger_lines TO paystream_projector;
GRANT INSERT, UPDATE, DELETE ON read_model.payment_timeline_removed TO paystream_projector;
GRANT DELETE ON read_model.payments, read_model.payment_timeline, read_model.counted_payments, read_model.payouts,
    read_model.reconciliations, read_model.discrepancies, read_model.split_payments, read_model.split_payment_events,
    read_model.ledger_streams, read_model.ledger_movements TO paystream_projector;

GRANT DELETE ON webhooks_out.attempts TO paystream_app;
GRANT UPDATE ON reconciliation.stripe_rows TO paystream_app;
GRANT DELETE ON reconciliation.discrepancies, reconciliation.runs TO paystream_app;

GRANT EXECUTE ON FUNCTION privacy.expire_keys(interval, integer) TO paystream_privacy;
REVOKE EXECUTE ON FUNCTION privacy.expire_keys(interval, integer) FROM paystream_app;

GRANT paystream_app TO paystream_erasure;
REVOKE EXECUTE ON FUNCTION event_store.append(jsonb, bigint), event_store.load_streams(uuid[], bigint, bigint),
    event_store.log_state() FROM paystream_erasure;
REVOKE SELECT ON event_store.events, event_store.streams, event_store.archives, event_store.idempotency_keys
    FROM paystream_erasure;
REVOKE USAGE ON SCHEMA event_store FROM paystream_erasure;

GRANT EXECUTE ON FUNCTION event_store.ensure_partitions(integer) TO paystream_app;
GRANT INSERT ON event_store.refused_events TO paystream_app;
GRANT INSERT, UPDATE ON event_store.relay_positions TO paystream_app;
GRANT paystream_app TO paystream_relay;
REVOKE EXECUTE ON FUNCTION event_store.log_state(), event_store.close_log(text),
    event_store.load_streams(uuid[], bigint, bigint), event_store.ensure_partitions(integer) FROM paystream_relay;
REVOKE UPDATE (status, blocked, lease_token, last_error, finished_at) ON consumers.gateway_tasks FROM paystream_relay;
REVOKE UPDATE (position, updated_at) ON consumers.consumer_checkpoints FROM paystream_relay;
REVOKE INSERT, UPDATE ON event_store.relay_positions FROM paystream_relay;
REVOKE INSERT ON event_store.refused_events FROM paystream_relay;
REVOKE SELECT ON event_store.events, event_store.streams, event_store.archives, event_store.recoveries,
    event_store.event_position, event_store.refused_events, event_store.relay_positions, consumers.consumer_checkpoints,
    consumers.gateway_tasks FROM paystream_relay;
REVOKE USAGE ON SCHEMA event_store, consumers FROM paystream_relay;
