-- Nobody keeps a right to change that no process of theirs uses. tests/integration/infra/migrations/rights.txt has what is left.

-- The relay and erasures were members of paystream_app for a few of its rights: those alone they get.
GRANT USAGE ON SCHEMA event_store, consumers TO paystream_relay;
GRANT SELECT ON event_store.events, event_store.streams, event_store.archives, event_store.recoveries,
    event_store.event_position, event_store.refused_events, event_store.relay_positions, consumers.consumer_checkpoints,
    consumers.gateway_tasks TO paystream_relay;
GRANT INSERT ON event_store.refused_events TO paystream_relay;
GRANT INSERT, UPDATE ON event_store.relay_positions TO paystream_relay;
GRANT UPDATE (position, updated_at) ON consumers.consumer_checkpoints TO paystream_relay;
-- `blocked` is changed by the trigger that lets the payment's next call go.
GRANT UPDATE (status, blocked, lease_token, last_error, finished_at) ON consumers.gateway_tasks TO paystream_relay;
GRANT EXECUTE ON FUNCTION event_store.log_state(), event_store.close_log(text),
    event_store.load_streams(uuid[], bigint, bigint), event_store.ensure_partitions(integer) TO paystream_relay;
REVOKE paystream_app FROM paystream_relay;
REVOKE INSERT, UPDATE ON event_store.relay_positions FROM paystream_app;
REVOKE INSERT ON event_store.refused_events FROM paystream_app;
REVOKE EXECUTE ON FUNCTION event_store.ensure_partitions(integer) FROM paystream_app;

GRANT USAGE ON SCHEMA event_store TO paystream_erasure;
GRANT SELECT ON event_store.events, event_store.streams, event_store.archives, event_store.idempotency_keys
    TO paystream_erasure;
GRANT EXECUTE ON FUNCTION event_store.append(jsonb, bigint), event_store.load_streams(uuid[], bigint, bigint),
    event_store.log_state() TO paystream_erasure;
REVOKE paystream_app FROM paystream_erasure;

-- The sweeper's alone, which is the application's.
GRANT EXECUTE ON FUNCTION privacy.expire_keys(interval, integer) TO paystream_app;
REVOKE EXECUTE ON FUNCTION privacy.expire_keys(interval, integer) FROM paystream_privacy;

REVOKE DELETE ON reconciliation.discrepancies, reconciliation.runs FROM paystream_app;
REVOKE UPDATE ON reconciliation.stripe_rows FROM paystream_app;
REVOKE DELETE ON webhooks_out.attempts FROM paystream_app; -- they go with their delivery

-- A rebuild and the retention remove rows as the owner.
REVOKE DELETE ON read_model.payments, read_model.payment_timeline, read_model.counted_payments, read_model.payouts,
    read_model.reconciliations, read_model.discrepancies, read_model.split_payments, read_model.split_payment_events,
    read_model.ledger_streams, read_model.ledger_movements FROM paystream_projector;
REVOKE INSERT, UPDATE, DELETE ON read_model.payment_timeline_removed FROM paystream_projector;
REVOKE UPDATE ON read_model.ledger_entries, read_model.ledger_lines FROM paystream_projector;
