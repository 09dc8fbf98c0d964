-- Removes the tables and the progress of their projection: both are built anew from the event store.
CREATE OR REPLACE VIEW read_model.unapplied_events AS
SELECT position
  FROM consumers.dead_letters
 WHERE consumer = 'projector' AND topic = 'paystream.payment' AND position IS NOT NULL AND status <> 'applied'
   AND lacking && ARRAY['projection:payments', 'projection:payment_timeline']
UNION ALL
SELECT position FROM event_store.refused_events;
CREATE OR REPLACE VIEW read_model.applied_events AS
SELECT t.position
  FROM read_model.payment_timeline t JOIN read_model.payments p USING (payment_id)
 WHERE p.position >= t.position;
ALTER TABLE read_model.payments DROP COLUMN split_payment_id;
DROP TABLE read_model.split_payment_events, read_model.split_payments;
DELETE FROM consumers.consumer_checkpoints WHERE consumer = 'projection:split_payments';
