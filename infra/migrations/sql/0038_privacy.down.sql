-- What was encrypted stays so, and cannot be read any more.
DROP SCHEMA privacy CASCADE;
DROP FUNCTION event_store.forget_answers(interval, integer);
DROP FUNCTION consumers.forget_tasks(interval, integer);
DROP INDEX event_store.idempotency_keys_by_age;
DROP INDEX consumers.gateway_tasks_by_age;
REVOKE paystream_privacy FROM paystream_app, paystream_projector;
REVOKE paystream_app FROM paystream_erasure;
-- The roles stay: they belong to the cluster, where another database may use them.
