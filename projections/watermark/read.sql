-- name: generation
-- Another whenever rows of the read model were removed.
SELECT generation FROM read_model.payments_watermark

-- name: ask
-- Wake who moves the watermark (see `listen` in watermark.sql). Allowed in a transaction that only reads.
SELECT pg_notify('paystream_position_asked', '')
