-- name: payments_after
-- The next payments of the event store by id.
SELECT stream_id FROM event_store.streams
 WHERE category = 'payment' AND stream_id > %(after)s
 ORDER BY stream_id LIMIT %(limit)s;

-- name: rows_after
-- The payments that the read model has in a range of ids, from either table.
SELECT payment_id FROM read_model.payments
 WHERE payment_id > %(after)s AND (%(up_to)s::uuid IS NULL OR payment_id <= %(up_to)s::uuid)
UNION
SELECT payment_id FROM read_model.payment_timeline
 WHERE payment_id > %(after)s AND (%(up_to)s::uuid IS NULL OR payment_id <= %(up_to)s::uuid);
