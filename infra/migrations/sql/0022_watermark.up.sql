-- Up to where the read model of payments is whole, so that a read may ask for any position of the log: also for one that
-- is no payment's event. Code of before does not look at it. See docs/decisions/0022.

-- Not in the schema of the read model: like the checkpoints it says how far that has come, and is no part of it.
CREATE TABLE consumers.payments_watermark (
    one_row    boolean     PRIMARY KEY DEFAULT true CHECK (one_row),
    position   bigint      NOT NULL DEFAULT 0,
    epoch      integer     NOT NULL DEFAULT 0,  -- of the log when it was proved; 0: nothing is proved
    generation uuid        NOT NULL DEFAULT gen_random_uuid(),  -- another whenever the read model was emptied
    updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
INSERT INTO consumers.payments_watermark DEFAULT VALUES;

-- Rows that are gone take the proof with them. A statement's trigger: the projector deletes none, and inserts pay nothing.
CREATE FUNCTION read_model.forget_watermark() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE consumers.payments_watermark
       SET position = 0, epoch = 0, generation = gen_random_uuid(), updated_at = clock_timestamp();
    RETURN NULL;
END
$$;
CREATE TRIGGER payments_forget_watermark AFTER DELETE OR TRUNCATE ON read_model.payments
    FOR EACH STATEMENT EXECUTE FUNCTION read_model.forget_watermark();
CREATE TRIGGER payment_timeline_forget_watermark AFTER DELETE OR TRUNCATE ON read_model.payment_timeline
    FOR EACH STATEMENT EXECUTE FUNCTION read_model.forget_watermark();

-- Events that every read of payments shows. A payment's row may lag behind its timeline when one of both is built anew.
CREATE VIEW read_model.applied_events AS
SELECT t.position
  FROM read_model.payment_timeline t JOIN read_model.payments p USING (payment_id)
 WHERE p.position >= t.position;

-- What reads may know of it: a proof of an earlier epoch of the log is none.
CREATE VIEW read_model.payments_watermark AS
SELECT CASE WHEN w.epoch = i.epoch THEN w.position ELSE 0 END AS position, w.generation
  FROM consumers.payments_watermark w CROSS JOIN event_store.incarnation i;

-- Events that are not in the read model of payments and do not come by themselves: dead letters, also those that were given
-- up, and what Kafka refused. The watermark passes them, and whoever asks for one of them is told that it is not there.
CREATE VIEW read_model.unapplied_events AS
SELECT position
  FROM consumers.dead_letters
 WHERE consumer = 'projector' AND topic = 'paystream.payment' AND position IS NOT NULL AND status <> 'applied'
   AND lacking && ARRAY['projection:payments', 'projection:payment_timeline']
UNION ALL
SELECT position FROM event_store.refused_events;

GRANT SELECT, UPDATE ON consumers.payments_watermark TO paystream_projector;
GRANT SELECT ON event_store.event_position TO paystream_projector;
GRANT SELECT ON read_model.applied_events, read_model.payments_watermark, read_model.unapplied_events
    TO paystream_projector, paystream_query;
