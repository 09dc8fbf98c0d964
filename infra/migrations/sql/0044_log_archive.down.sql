-- What has left the log is in the archives alone: put it back before, or keep them.
DO $$
BEGIN
    IF EXISTS (SELECT FROM event_store.archives WHERE events > kept) THEN
        RAISE EXCEPTION 'partitions of the log are archived: without this table nothing says where their events are'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    IF EXISTS (SELECT FROM read_model.payment_timeline_removed) THEN
        RAISE EXCEPTION 'timelines of payments were removed. Remedy: paystream projections rebuild payment_timeline --swap'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
END
$$;
DROP FUNCTION read_model.forget_timelines(interval, bigint, integer);
CREATE OR REPLACE FUNCTION read_model.forget_watermark() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE consumers.payments_watermark
       SET position = 0, epoch = 0, generation = gen_random_uuid(), updated_at = clock_timestamp();
    RETURN NULL;
END
$$;
DROP TABLE read_model.payment_timeline_removed;
DROP TABLE event_store.archives;
