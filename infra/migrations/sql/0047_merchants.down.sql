DROP FUNCTION event_store.follow_access(bigint);
REVOKE SELECT (stream_id, merchant_id) ON event_store.streams FROM paystream_rebuild;
REVOKE USAGE ON SCHEMA event_store FROM paystream_rebuild;
DROP INDEX read_model.discrepancies_merchant_unresolved, read_model.discrepancies_merchant;
ALTER TABLE read_model.discrepancies DROP COLUMN merchant_id;
DROP TABLE read_model.ledger_merchant_days;
DROP INDEX read_model.ledger_entries_merchant;
ALTER TABLE read_model.ledger_entries DROP COLUMN merchant_id;
