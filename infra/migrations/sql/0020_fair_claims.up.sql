-- A claim of the gateway looks at nothing that waits behind another task of its payment, and merchants take turns.

-- Set by a claim that meets the task behind an earlier one of its payment that is not done, and taken back by the trigger
-- below. The first open task of a payment never has it. A gateway of before neither sets it nor asks for it.
ALTER TABLE consumers.gateway_tasks ADD COLUMN blocked boolean NOT NULL DEFAULT false;
UPDATE consumers.gateway_tasks t
   SET blocked = true
 WHERE t.status IN ('due', 'unknown') AND t.operation <> 'refresh_payment'
   AND EXISTS (SELECT FROM consumers.gateway_tasks other
                WHERE other.payment_id = t.payment_id AND other.position < t.position
                  AND other.status <> 'done' AND other.operation <> 'refresh_payment');

-- What goes first: 0 payments, 1 refunds, 2 refreshes. An operation that a later version adds comes under 3, where no
-- gateway of now looks.
CREATE FUNCTION consumers.claim_rank(operation text) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN operation IN ('create_intent', 'confirm_intent', 'capture_intent', 'cancel_intent') THEN 0
            WHEN operation = 'create_refund' THEN 1
            WHEN operation = 'refresh_payment' THEN 2
            ELSE 3 END::smallint;

-- Each rank has a lane for each merchant, in order of due time: the next merchant of a rank is found in one step.
CREATE INDEX gateway_tasks_lanes ON consumers.gateway_tasks (consumers.claim_rank(operation), merchant_id, due_at)
    WHERE status IN ('due', 'leased', 'unknown') AND NOT blocked;
-- Which payments have a task in flight, however many others wait there.
CREATE INDEX gateway_tasks_leased ON consumers.gateway_tasks (payment_id) WHERE status = 'leased';

-- Whoever ends a task frees the next one of its payment. The lock of the payment is that of a claim, which holds it from
-- before it looks at the payment's tasks until it has committed what it found blocked: without it, a task could be found
-- blocked by one that ends in this moment, and wait for ever. A claim never waits for a lock, so it always lets go; those
-- who end tasks take the locks in one order.
CREATE FUNCTION consumers.unblock_next() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    ended uuid[] := (SELECT array_agg(DISTINCT payment_id) FROM after
                      WHERE status = 'done' AND operation <> 'refresh_payment');
BEGIN
    IF ended IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(key)
           FROM (SELECT DISTINCT hashtextextended(payment_id::text, 0) AS key
                   FROM unnest(ended) AS payment_id ORDER BY key) AS payments;
        -- A statement of its own: it sees what was committed before the locks were ours.
        UPDATE consumers.gateway_tasks t
           SET blocked = false
          FROM unnest(ended) AS payment
         CROSS JOIN LATERAL (SELECT event_id FROM consumers.gateway_tasks
                              WHERE payment_id = payment AND status <> 'done' AND operation <> 'refresh_payment'
                              ORDER BY position LIMIT 1) AS first
         WHERE t.event_id = first.event_id AND t.blocked;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER gateway_tasks_unblock AFTER UPDATE ON consumers.gateway_tasks
    REFERENCING NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION consumers.unblock_next();

-- Dead letters of the relay: events that Kafka refused for good. They are in the log and not in the topic.
CREATE TABLE event_store.refused_events (
    position   bigint      PRIMARY KEY,
    event_id   uuid        NOT NULL,
    stream_id  uuid        NOT NULL,
    type       text        NOT NULL,
    reason     text        NOT NULL,
    refused_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT ON event_store.refused_events TO paystream_app;
