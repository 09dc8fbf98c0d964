DROP INDEX read_model.payments_contradicted;
ALTER TABLE read_model.payments DROP COLUMN contradictions;
