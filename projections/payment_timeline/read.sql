-- name: page
-- Events of one payment after a version, oldest first.
SELECT position, version, type, at, actor, request_id, correlation_id, data::text AS data
  FROM read_model.payment_timeline
 WHERE payment_id = %(payment_id)s AND merchant_id = %(merchant_id)s AND version > %(after_version)s
 ORDER BY version
 LIMIT %(limit)s

-- name: applied
-- Those of the given positions that the read model reflects: their event is in it, or is none of a payment and the
-- watermark is past it.
SELECT asked.position
  FROM unnest(%(positions)s::bigint[]) AS asked(position)
 WHERE EXISTS (SELECT FROM read_model.applied_events a WHERE a.position = asked.position)
    OR (asked.position <= (SELECT position FROM read_model.payments_watermark)
        AND NOT EXISTS (SELECT FROM read_model.unapplied_events u WHERE u.position = asked.position))

-- name: progress
-- How far the projection has come, and when it last moved.
SELECT coalesce(max(position), 0) AS position, coalesce(min(position), 0) AS lowest, max(updated_at) AS updated_at,
       coalesce((SELECT position FROM read_model.payments_watermark), 0) AS watermark
  FROM read_model.projection_checkpoints
 WHERE projection = 'payment_timeline'
