-- The whole life of a payment at Stripe, in its row. A projector of before leaves the new columns as they are.

ALTER TABLE read_model.payments
    ADD COLUMN customer                    text,
    ADD COLUMN statement_descriptor_suffix text,
    ADD COLUMN capture_before              timestamptz,  -- while money is held: when the hold ends
    ADD COLUMN dispute                     jsonb;        -- the newest

-- Holds of before; what else is new here did not happen before.
UPDATE read_model.payments p
   SET capture_before = to_timestamp((held.data ->> 'capture_before')::bigint)
  FROM event_store.events held
 WHERE p.status = 'requires_capture'
   AND held.stream_id = p.payment_id AND held.version <= p.version AND held.type = 'payment.authorized';

-- Finds the holds that end soon. Few payments have one at a time.
CREATE INDEX payments_held ON read_model.payments (capture_before) WHERE capture_before IS NOT NULL;
