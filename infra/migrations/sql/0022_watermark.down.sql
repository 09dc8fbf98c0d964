REVOKE SELECT ON event_store.event_position FROM paystream_projector;
DROP VIEW read_model.unapplied_events;
DROP VIEW read_model.payments_watermark;
DROP VIEW read_model.applied_events;
DROP TRIGGER payment_timeline_forget_watermark ON read_model.payment_timeline;
DROP TRIGGER payments_forget_watermark ON read_model.payments;
DROP FUNCTION read_model.forget_watermark();
DROP TABLE consumers.payments_watermark;
