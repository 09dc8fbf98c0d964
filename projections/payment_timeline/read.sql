-- name: page
-- Events of one payment after a version, oldest first.
SELECT position, version, type, at, actor, request_id, correlation_id, data::text AS data
  FROM read_model.payment_timeline
 WHERE payment_id = %(payment_id)s AND merchant_id = %(merchant_id)s AND version > %(after_version)s
 ORDER BY version
 LIMIT %(limit)s

-- name: applied
-- Those of the given positions whose events have been applied.
SELECT position FROM read_model.payment_timeline WHERE position = ANY(%(positions)s::bigint[])

-- name: progress
-- How far the projection has come, and when it last moved.
SELECT coalesce(max(position), 0) AS position, max(updated_at) AS updated_at
  FROM read_model.projection_checkpoints
 WHERE projection = 'payment_timeline'
