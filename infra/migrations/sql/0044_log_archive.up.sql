-- Parts of the log that are in verified files outside of the database, and timelines of payments that were kept long enough.

-- A row says that a range of positions is archived, and that events of these categories are in the archive alone; all others are in
-- both. It is written in the transaction in which the partition is exchanged: there is no moment between. See docs/decisions/0042.
CREATE TABLE event_store.archives (
    first_position bigint      PRIMARY KEY,
    until_position bigint      NOT NULL UNIQUE CHECK (until_position > first_position),  -- the first behind it
    name           text        NOT NULL UNIQUE,   -- of its folder, below ARCHIVE_FOLDER
    events         bigint      NOT NULL CHECK (events >= 0),
    kept           bigint      NOT NULL CHECK (kept BETWEEN 0 AND events),  -- how many of them are in the log as well
    first_index    bigint      NOT NULL,          -- of its first event, in the tree of the proofs
    sha256         bytea       NOT NULL CHECK (octet_length(sha256) = 32),  -- of its file
    categories     text[]      NOT NULL,          -- whose events have left the log
    detached       name,                          -- the partition as it was, until it is dropped
    archived_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    archived_by    text        NOT NULL,
    dropped_at     timestamptz,
    CHECK ((detached IS NULL) = (dropped_at IS NOT NULL))
);
-- The owner writes it. Who compares the log with a copy of it asks what is not expected there any more.
GRANT SELECT ON event_store.archives TO paystream_app, paystream_audit;

-- Up to which version the rows of a payment's timeline were removed. A table of the projection: one that is built anew has all rows,
-- and none in here.
CREATE TABLE read_model.payment_timeline_removed (
    payment_id uuid        PRIMARY KEY,
    version    bigint      NOT NULL CHECK (version > 0),
    removed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT, INSERT, UPDATE, DELETE ON read_model.payment_timeline_removed TO paystream_projector;
GRANT SELECT ON read_model.payment_timeline_removed TO paystream_query;

-- As before, but for what retention removes: that was applied, and the watermark stays true.
CREATE OR REPLACE FUNCTION read_model.forget_watermark() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('paystream.removes_timelines', true) = 'on' THEN
        RETURN NULL;
    END IF;
    UPDATE consumers.payments_watermark
       SET position = 0, epoch = 0, generation = gen_random_uuid(), updated_at = clock_timestamp();
    RETURN NULL;
END
$$;

-- Removes the timelines of payments that ended, and that nothing happened to for so long: of those that have a row among the `most`
-- ones behind a position. Says how many rows that were, and up to where it has looked; null: to the end, or to rows that are
-- not old enough. A payment with money on its way (a refund, a dispute) has not ended.
CREATE FUNCTION read_model.forget_timelines(age interval, after bigint, most integer)
RETURNS TABLE (removed bigint, looked_up_to bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before    CONSTANT timestamptz := clock_timestamp() - age;
    looked    bigint;
    reached   bigint;
    is_recent boolean;
    due       uuid[];
BEGIN
    IF age IS NULL OR age < interval '1 day' OR after IS NULL OR most IS NULL OR most < 1 THEN
        RAISE EXCEPTION 'timelines are kept for a day at least' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT count(*), max(l.position), coalesce(bool_or(l.at >= before), false), array_agg(DISTINCT l.payment_id)
      INTO looked, reached, is_recent, due
      FROM (SELECT t.position, t.at, t.payment_id FROM read_model.payment_timeline t
             WHERE t.position > after ORDER BY t.position LIMIT most) l;
    -- Locked: the projector may have an event of one of them just now. The order is that of its own writes.
    SELECT array_agg(d.payment_id) INTO due
      FROM (SELECT p.payment_id FROM read_model.payments p
             WHERE p.payment_id = ANY (due) AND p.updated_at < before
               AND p.status IN ('succeeded', 'canceled', 'failed')
               AND NOT p.refunds @> '[{"status": "pending"}]'
               AND coalesce(p.dispute->>'status' IN ('won', 'lost', 'prevented', 'warning_closed'), true)
             ORDER BY p.payment_id FOR SHARE SKIP LOCKED) d;
    PERFORM set_config('paystream.removes_timelines', 'on', true);
    WITH gone AS (
        DELETE FROM read_model.payment_timeline t
         USING read_model.payments p
         WHERE t.payment_id = ANY (due) AND p.payment_id = t.payment_id AND t.version <= p.version
        RETURNING t.payment_id, t.version
    ), noted AS (
        INSERT INTO read_model.payment_timeline_removed AS r (payment_id, version)
        SELECT g.payment_id, max(g.version) FROM gone g GROUP BY g.payment_id ORDER BY 1
        ON CONFLICT (payment_id) DO UPDATE SET version = greatest(r.version, excluded.version), removed_at = excluded.removed_at
    )
    SELECT count(*) INTO removed FROM gone;
    PERFORM set_config('paystream.removes_timelines', '', true);
    looked_up_to := CASE WHEN looked = most AND NOT is_recent THEN reached END;
    RETURN NEXT;
END
$$;
REVOKE ALL ON FUNCTION read_model.forget_timelines(interval, bigint, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION read_model.forget_timelines(interval, bigint, integer) TO paystream_app;
