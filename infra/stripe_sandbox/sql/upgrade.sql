-- To a file of an earlier version, after `schema.sql` has added what it lacked. Nobody knows how old the answers in it are:
-- they are taken for new, as none may be forgotten too early.
ALTER TABLE idempotency_keys ADD COLUMN created REAL NOT NULL DEFAULT 0;
UPDATE idempotency_keys SET created = coalesce(
    (SELECT sandbox_time + (strftime('%s', 'now') - real_time) * rate FROM clock),
    strftime('%s', 'now'));
