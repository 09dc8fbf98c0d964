-- name: listen
-- Be woken when a read waits for a position (see `request_advance` in read.sql).
LISTEN paystream_position_requested;

-- name: state
-- The log's state and the watermark as it is.
SELECT s.epoch, s.closed_because IS NULL AS is_open, w.position, w.epoch AS proved_in, w.generation
  FROM event_store.log_state() s CROSS JOIN consumers.payments_watermark w;

-- name: begin
-- Where to begin when nothing is proved: each partition has been applied up to its checkpoint, so all of them up to the
-- lowest. From the beginning unless every partition has one, and has the event at it, or had it until retention removed it: the
-- read model is new, or being rebuilt.
SELECT CASE WHEN count(*) = 2 * %(partitions)s
             AND bool_and(c.partition < %(partitions)s
                          AND ((SELECT a.position FROM read_model.applied_events a WHERE a.position = c.position) IS NOT NULL
                               OR (SELECT e.position FROM event_store.events e
                                     JOIN read_model.payment_timeline_removed r ON r.payment_id = e.stream_id
                                    WHERE e.position = c.position AND e.version <= r.version) IS NOT NULL))
            THEN least(min(c.position),
                       (SELECT min(s.position) FROM consumers.consumer_checkpoints s
                         WHERE s.consumer = 'projection:split_payments' AND s.topic = 'paystream.split-payment'))
            ELSE 0 END
  FROM consumers.consumer_checkpoints c
 WHERE c.consumer IN ('projection:payments', 'projection:payment_timeline') AND c.topic = %(topic)s;

-- name: following
-- What follows a position in the log, and whether it is a payment's or split payment's event that the read model lacks and should get. Looked
-- up by a scalar each: the planner may turn EXISTS into a hash of the whole read model.
SELECT e.position,
       e.category IN ('payment', 'split-payment')
       AND (SELECT a.position FROM read_model.applied_events a WHERE a.position = e.position) IS NULL
       AND (SELECT u.position FROM read_model.unapplied_events u WHERE u.position = e.position LIMIT 1) IS NULL
       AND (SELECT r.version FROM read_model.payment_timeline_removed r
             WHERE r.payment_id = e.stream_id AND r.version >= e.version) IS NULL AS is_missing
  FROM event_store.events e
 WHERE e.position > %(after)s
 ORDER BY e.position
 LIMIT %(limit)s;

-- name: move
-- Unless somebody else has moved it, the read model was emptied meanwhile, or the log is closed or in another epoch.
UPDATE consumers.payments_watermark w
   SET position = %(to)s, epoch = %(epoch)s, updated_at = clock_timestamp()
  FROM event_store.log_state() s
 WHERE w.generation = %(generation)s AND w.position = %(position)s AND w.epoch = %(proved_in)s
   AND s.epoch = %(epoch)s AND s.closed_because IS NULL;
