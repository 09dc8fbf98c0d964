-- name: generation
-- Changes whenever rows of the read model are removed.
SELECT generation FROM read_model.payments_watermark

-- name: request_advance
-- Wake the process that moves the watermark (see `listen` in watermark.sql). Allowed in a read-only transaction.
SELECT pg_notify('paystream_position_requested', '')
