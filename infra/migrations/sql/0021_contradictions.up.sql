-- What Stripe says against a payment's log, as long as it is open. A projector of before leaves it at the default.
ALTER TABLE read_model.payments ADD COLUMN contradictions jsonb NOT NULL DEFAULT '[]';
