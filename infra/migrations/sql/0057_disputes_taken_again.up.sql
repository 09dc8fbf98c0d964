-- How often a source has moved money in this way, as the payment tells: a bank may take the amount of a dispute, give it back
-- and take it once more. So many of Stripe's rows of one amount are rows of their own; more are the first one again.
ALTER TABLE read_model.ledger_movements ADD COLUMN times integer NOT NULL DEFAULT 1;
