DROP INDEX IF EXISTS read_model.payments_disputes_due, read_model.payments_open_disputes_due;
ALTER TABLE read_model.discrepancies DROP COLUMN assignee;
REVOKE SELECT ON consumers.projection_builds, read_model.payments_watermark FROM paystream_app;
