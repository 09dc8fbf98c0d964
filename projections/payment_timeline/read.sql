-- name: page
-- Events of one payment after a version, oldest first.
SELECT position, version, type, at, actor, request_id, correlation_id, data::text AS data
  FROM read_model.payment_timeline
 WHERE payment_id = %(payment_id)s AND merchant_id = %(merchant_id)s AND version > %(after_version)s
 ORDER BY version
 LIMIT %(limit)s

-- name: applied
-- Those of the given positions that the read model reflects: their event is in it, or is none of a payment and the
-- watermark is past it. Scalars, as the planner may turn EXISTS into a hash of the whole read model.
SELECT requested.position
  FROM unnest(%(positions)s::bigint[]) AS requested(position)
 WHERE (SELECT a.position FROM read_model.applied_events a WHERE a.position = requested.position) IS NOT NULL
    OR (requested.position <= (SELECT position FROM read_model.payments_watermark)
        AND (SELECT u.position FROM read_model.unapplied_events u WHERE u.position = requested.position LIMIT 1) IS NULL)

-- name: progress
-- How far the projection has come, and when it last moved.
SELECT coalesce(max(position), 0) AS position, coalesce(min(position), 0) AS lowest, max(updated_at) AS updated_at,
       coalesce((SELECT position FROM read_model.payments_watermark), 0) AS watermark
  FROM read_model.projection_checkpoints
 WHERE projection = 'payment_timeline'

-- name: is_removed
-- Whether retention has removed rows of a merchant's payment.
SELECT EXISTS (SELECT FROM read_model.payment_timeline_removed r JOIN read_model.payments p USING (payment_id)
                WHERE r.payment_id = %(payment_id)s AND p.merchant_id = %(merchant_id)s)
