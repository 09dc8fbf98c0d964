ALTER TABLE read_model.ledger_movements DROP COLUMN times;
