-- What was encrypted stays so, and cannot be read any more.
DROP SCHEMA privacy CASCADE;
REVOKE paystream_privacy FROM paystream_app, paystream_projector;
REVOKE paystream_app FROM paystream_erasure;
-- The roles stay: they belong to the cluster, where another database may use them.
