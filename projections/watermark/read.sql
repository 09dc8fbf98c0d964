-- name: generation
-- Changes whenever rows of the read model are removed.
SELECT generation FROM read_model.payments_watermark

-- name: request_advance
-- Wake the process that moves the watermark (see `listen` in watermark.sql). Allowed in a read-only transaction, but not on
-- a standby: what is read there shows when the projector moves it by itself.
SELECT CASE WHEN NOT pg_is_in_recovery() THEN pg_notify('paystream_position_requested', '') END
