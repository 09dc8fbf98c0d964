DROP INDEX IF EXISTS read_model.payments_disputes_due, read_model.payments_open_disputes_due;
REVOKE SELECT ON consumers.projection_builds FROM paystream_app;
