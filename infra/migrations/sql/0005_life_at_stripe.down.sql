-- The columns can be filled again from the event store.
ALTER TABLE read_model.payments
    DROP COLUMN customer,
    DROP COLUMN statement_descriptor_suffix,
    DROP COLUMN capture_before,
    DROP COLUMN dispute;
