-- A log knows on which PostgreSQL it is written. On another one (a standby that was promoted, a backup that was restored,
-- a dump that was loaded) nothing is appended until the log was compared with Kafka, which may hold what it lost.
-- Beside it: an append refuses an event id that is there and a stream of another category or merchant, and a stream
-- says between which positions its events are. See docs/decisions/0017.

DO $$
BEGIN
    CREATE ROLE paystream_relay NOLOGIN;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;  -- roles belong to the cluster: another database may have made it, even at this moment
END
$$;
GRANT paystream_app TO paystream_relay;

-- `system identifier/timeline`: initdb draws the first, and a promotion or a restore from an archive begins another of the
-- second. The first cannot change while a connection lives: it is read once for each (0.09 ms). Not from
-- pg_control_checkpoint(), which still shows the old timeline for a while after a fast promotion.
CREATE FUNCTION event_store.server_identity() RETURNS text
LANGUAGE plpgsql AS $$
DECLARE
    system text := pg_catalog.current_setting('paystream.system_identifier', true);
BEGIN
    IF system IS NULL OR system = '' THEN
        system := (SELECT system_identifier::text FROM pg_catalog.pg_control_system());
        PERFORM pg_catalog.set_config('paystream.system_identifier', system, false);
    END IF;
    RETURN system || '/' || pg_catalog.left(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 8);
END
$$;

CREATE TABLE event_store.incarnation (
    one_row        boolean     PRIMARY KEY DEFAULT true CHECK (one_row),
    log_id         uuid        NOT NULL,  -- which log this is: the same on its standbys, backups and dumps
    epoch          integer     NOT NULL CHECK (epoch > 0),  -- rises whenever it was compared with Kafka and opened
    server         text        NOT NULL,  -- server_identity() of the PostgreSQL that it may be appended to
    verified_start timestamptz NOT NULL,  -- the start of that PostgreSQL since which it was compared with Kafka
    trusts_restarts boolean    NOT NULL DEFAULT false,  -- whether it stays open when that PostgreSQL is started again
    closed_because text,                  -- nothing is appended, published or sent while this is set
    changed_at     timestamptz NOT NULL
);
-- A log of before is taken for whole: an upgrade must not stop payments. See docs/runbooks/restored-backup.md for an older copy.
INSERT INTO event_store.incarnation (log_id, epoch, server, verified_start, changed_at)
VALUES (gen_random_uuid(), 1, event_store.server_identity(), pg_postmaster_start_time(), clock_timestamp());

-- What was done each time that the log was reopened.
CREATE TABLE event_store.recoveries (
    epoch        integer     PRIMARY KEY,
    reopened_at  timestamptz NOT NULL,
    reopened_by  text        NOT NULL,
    server       text        NOT NULL,
    was_closed_because text  NOT NULL,
    written_back bigint      NOT NULL,
    positions_from bigint    NOT NULL,  -- new positions begin above this
    report       jsonb       NOT NULL
);

-- Why the log is closed, or null: whoever reads the log's state reads it here. A copy of the data folder that was put back
-- has the identity of the one before, and only Kafka tells that it is older. So each start of PostgreSQL closes the log
-- until the relay has seen that the events published last are there: `only_started` says that nothing else is the matter.
CREATE FUNCTION event_store.log_state()
RETURNS TABLE (log_id uuid, epoch integer, closed_because text, only_started boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    SELECT i.log_id, i.epoch, coalesce(found.reason, started.reason), found.reason IS NULL AND started.reason IS NOT NULL
      FROM event_store.incarnation i
     CROSS JOIN event_store.server_identity() AS here(server)
     CROSS JOIN LATERAL (
           SELECT coalesce(i.closed_because,
                           CASE WHEN here.server <> i.server
                                THEN format('this PostgreSQL (%s) is not the one that the log was written on (%s)',
                                            here.server, i.server) END) AS reason) AS found
     CROSS JOIN LATERAL (
           SELECT CASE WHEN NOT i.trusts_restarts AND pg_postmaster_start_time() <> i.verified_start
                       THEN 'PostgreSQL was started, and the log was not compared with Kafka since' END AS reason) AS started;
$$;

-- Raises 57PS1 while the log is closed. In class 57 (operator intervention), so that drivers take it for what it is: try
-- again later. Returns the epoch. Every append asks: one look at one row, and what an open connection knows of its server.
CREATE FUNCTION event_store.require_open() RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    known  event_store.incarnation;
    reason text;
BEGIN
    SELECT * INTO known FROM event_store.incarnation;
    IF known.closed_because IS NULL AND known.server = event_store.server_identity()
       AND (known.trusts_restarts OR known.verified_start = pg_postmaster_start_time()) THEN
        RETURN known.epoch;
    END IF;
    SELECT s.closed_because INTO reason FROM event_store.log_state() s;
    IF reason IS NULL THEN
        RETURN known.epoch;  -- it was opened meanwhile
    END IF;
    RAISE EXCEPTION 'the log is closed: %', reason
        USING ERRCODE = '57PS1', HINT = 'It opens once it was compared with Kafka. See: paystream recover --dry-run';
END
$$;

CREATE FUNCTION event_store.close_log(reason text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    UPDATE event_store.incarnation SET closed_because = reason, changed_at = clock_timestamp()
     WHERE closed_because IS NULL;
$$;

-- New positions begin so far above the highest that anybody has seen. Between them lie those of events that were answered for
-- and never published: they are not used again.
CREATE FUNCTION event_store.leap(highest_position bigint) RETURNS bigint
LANGUAGE sql SET search_path = pg_catalog, pg_temp AS $$
    SELECT setval('event_store.event_position', greatest(s.last_value, highest_position) + 100000)
      FROM event_store.event_position s;
$$;

-- Opens a log that was closed by a start of PostgreSQL alone, uncompared, on a person's word: Kafka is away, say. In a new epoch
-- and with new positions all the same. Returns the epoch.
CREATE FUNCTION event_store.verify_start(decided_by text, because text) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    state  record;
    begins bigint;
BEGIN
    PERFORM FROM event_store.incarnation FOR UPDATE;
    SELECT * INTO state FROM event_store.log_state();
    IF NOT state.only_started THEN
        RAISE EXCEPTION 'the log is not closed by a start of PostgreSQL alone'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    begins := event_store.leap(0);
    UPDATE event_store.incarnation
       SET epoch = epoch + 1, verified_start = pg_postmaster_start_time(), changed_at = clock_timestamp();
    INSERT INTO event_store.recoveries
    VALUES (state.epoch + 1, clock_timestamp(), session_user, event_store.server_identity(), state.closed_because, 0, begins,
            jsonb_build_object('whole_up_to', 0, 'decided_by', decided_by, 'because', because, 'compared', false));
    RETURN state.epoch + 1;
END
$$;

ALTER TABLE event_store.streams ADD COLUMN first_position bigint, ADD COLUMN last_position bigint;
-- A record that was written back has no answer: it is made again from the payment's events when it is asked for.
ALTER TABLE event_store.idempotency_keys ALTER COLUMN response DROP NOT NULL;

-- An event id stands in the log once. A partitioned table cannot hold that as a whole, since the index lacks the position;
-- each partition of ten million does. Those that are there already get their index in 0019, which builds it beside writes.
CREATE OR REPLACE FUNCTION event_store.ensure_partitions(ahead integer DEFAULT 3) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '200ms' AS $$
DECLARE
    size    CONSTANT bigint := 10000000;
    current bigint := (SELECT last_value / size FROM event_store.event_position);
    made    integer := 0;
    name    text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('event_store.ensure_partitions'));
    FOR number IN current .. current + ahead LOOP
        name := format('events_p%s', lpad(number::text, 6, '0'));
        CONTINUE WHEN to_regclass('event_store.' || name) IS NOT NULL;
        CONTINUE WHEN EXISTS (SELECT FROM event_store.events_default
                              WHERE position >= number * size AND position < (number + 1) * size);
        EXECUTE format('CREATE TABLE event_store.%I PARTITION OF event_store.events FOR VALUES FROM (%s) TO (%s)',
                       name, number * size, (number + 1) * size);
        EXECUTE format('CREATE UNIQUE INDEX %I ON event_store.%I (event_id)', name || '_event_id', name);
        EXECUTE format('CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON event_store.%I '
                       'FOR EACH STATEMENT EXECUTE FUNCTION event_store.refuse_change()', name);
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$;

-- Appends many commands' events in one call. `appends` is a JSON array of
--   {"stream_id", "category", "merchant_id", "expected_version" (0: the stream must not exist),
--    "events": [{"event_id", "type", "schema_version", "data", "metadata"}, ...] (at least one),
--    "idempotency": {"key", "fingerprint", "status", "response"} or null}
-- and every element is answered for itself, one row each, by its ordinal (from 1):
--   appended  version = the stream's new version, position = that of the last event
--   conflict  version = the stream's actual version (0: it does not exist); nothing written
--   seen      the idempotency key is known: its fingerprint, status, response (null: to be made again), and the position
--             that its command reached; nothing written
-- A stream may stand in a call once (the caller splits); a key may stand twice, then the second is `seen`. The whole call
-- is refused while the log is closed, when it knows less than `known_position` (the highest that the caller was ever
-- answered: the log went back), when an event id is in the log, and when a stream is of another category or merchant.
--
-- The order of the steps is what makes the log readable in order and free of deadlocks:
--   1. the transaction id is taken before any position: a relay of the release before, which may still run beside this
--      function, proves by it that a gap is dead;
--   2. keys, then existing streams, then new streams are locked, each kind in sorted order, by every caller;
--   3. positions are drawn when the existing streams are locked, so positions rise along each stream. Who draws for a
--      new stream that somebody else makes at that moment writes nothing, and leaves a gap.
DROP FUNCTION event_store.append(jsonb);
CREATE FUNCTION event_store.append(appends jsonb, known_position bigint DEFAULT 0)
RETURNS TABLE (ordinal bigint, outcome text, version bigint, "position" bigint,
               fingerprint text, status smallint, response text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    now_at     CONSTANT timestamptz := clock_timestamp();
    ords       bigint[];
    streams    uuid[];
    categories text[];
    merchants  text[];
    expected   bigint[];
    counts     bigint[];
    keys       text[];
    fresh      bigint[];          -- ordinals whose key, if any, was not known
    won        bigint[];          -- ordinals whose stream had the expected version
    opening    bigint[] := '{}';  -- ordinals of streams that nobody has made yet
    lost       bigint[];
    foreign_stream uuid;
    positions  bigint[];          -- those of all that is written, in the order of the ordinals
    starts     bigint[];          -- for each ordinal, how many of them come before its own
    log_end    CONSTANT bigint := (SELECT CASE WHEN is_called THEN last_value ELSE 0 END
                                     FROM event_store.event_position);
BEGIN
    PERFORM event_store.require_open();
    PERFORM pg_current_xact_id();
    IF known_position > log_end THEN
        RAISE EXCEPTION 'the log is closed: it ends at position %, but position % was given out before', log_end,
            known_position
            USING ERRCODE = '57PS1', HINT = 'It opens once it was compared with Kafka. See: paystream recover --dry-run';
    END IF;

    SELECT array_agg(a.ordinal), array_agg((a.item->>'stream_id')::uuid), array_agg(a.item->>'category'),
           array_agg(a.item->>'merchant_id'), array_agg((a.item->>'expected_version')::bigint),
           array_agg(jsonb_array_length(a.item->'events')::bigint),
           array_agg(a.item#>>'{idempotency,key}')
      INTO ords, streams, categories, merchants, expected, counts, keys
      FROM jsonb_array_elements(appends) WITH ORDINALITY AS a(item, ordinal);
    IF ords IS NULL THEN
        RETURN;
    END IF;
    IF (SELECT count(DISTINCT s) FROM unnest(streams) s) <> cardinality(streams) THEN
        RAISE EXCEPTION 'a stream may stand in one append call once' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF 0 = ANY (counts) OR EXISTS (SELECT FROM unnest(expected) e WHERE e IS NULL OR e < 0) THEN
        RAISE EXCEPTION 'an append needs events and an expected version' USING ERRCODE = 'invalid_parameter_value';
    END IF;

    IF EXISTS (SELECT FROM unnest(keys) k WHERE k IS NOT NULL) THEN
        -- DISTINCT ON: of two elements with one key the first is served; the second finds the key taken.
        WITH wanted AS (
            SELECT DISTINCT ON (k.merchant_id, k.key) k.*
              FROM unnest(ords, merchants, keys, streams, expected, counts)
                   AS k(ordinal, merchant_id, key, stream_id, expected, events)
             WHERE k.key IS NOT NULL
             ORDER BY k.merchant_id, k.key, k.ordinal
        ), taken AS (
            INSERT INTO event_store.idempotency_keys AS i
                   (merchant_id, key, fingerprint, status, response, stream_id, version, created_at)
            SELECT w.merchant_id, w.key, r.item->>'fingerprint', (r.item->>'status')::smallint,
                   r.item->>'response', w.stream_id, w.expected + w.events, now_at
              FROM wanted w, LATERAL (SELECT appends->(w.ordinal - 1)::integer->'idempotency' AS item) r
             ORDER BY w.merchant_id, w.key
            ON CONFLICT DO NOTHING
            RETURNING i.merchant_id, i.key
        )
        SELECT array_agg(o.ordinal ORDER BY o.ordinal) INTO fresh
          FROM unnest(ords, keys) AS o(ordinal, key)
         WHERE o.key IS NULL
            OR o.ordinal IN (SELECT w.ordinal FROM wanted w JOIN taken t USING (merchant_id, key));
    ELSE
        fresh := ords;
    END IF;

    WITH candidate AS (
        SELECT c.*
          FROM unnest(ords, streams, categories, merchants, expected)
               AS c(ordinal, stream_id, category, merchant_id, expected)
         WHERE c.expected > 0 AND c.ordinal = ANY (fresh)
    ), locked AS (
        SELECT s.stream_id, s.version, s.category, s.merchant_id FROM event_store.streams s
         WHERE s.stream_id IN (SELECT c.stream_id FROM candidate c)
         ORDER BY s.stream_id FOR UPDATE
    )
    SELECT coalesce(array_agg(c.ordinal) FILTER (WHERE l.version = c.expected), '{}'),
           (array_agg(c.stream_id) FILTER (WHERE (l.category, l.merchant_id) <> (c.category, c.merchant_id)))[1]
      INTO won, foreign_stream
      FROM candidate c JOIN locked l USING (stream_id);
    IF foreign_stream IS NOT NULL THEN
        RAISE EXCEPTION 'stream % is of another category or merchant', foreign_stream
            USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF 0 = ANY (expected) THEN
        SELECT coalesce(array_agg(c.ordinal), '{}') INTO opening
          FROM unnest(ords, streams, expected) AS c(ordinal, stream_id, expected)
         WHERE c.expected = 0 AND c.ordinal = ANY (fresh)
           AND NOT EXISTS (SELECT FROM event_store.streams s WHERE s.stream_id = c.stream_id);
    END IF;

    SELECT array_agg(w.before ORDER BY w.ordinal) INTO starts
      FROM (SELECT c.ordinal,
                   coalesce(sum(c.events) FILTER (WHERE c.ordinal = ANY (won || opening))
                            OVER (ORDER BY c.ordinal ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
              FROM unnest(ords, counts) AS c(ordinal, events)) w;
    positions := ARRAY(
        SELECT nextval('event_store.event_position')
          FROM generate_series(1, (SELECT sum(c.events) FROM unnest(ords, counts) AS c(ordinal, events)
                                    WHERE c.ordinal = ANY (won || opening))));

    UPDATE event_store.streams s
       SET version = s.version + c.events,
           last_position = positions[c.start + c.events],
           first_position = coalesce(s.first_position, (SELECT min(e.position) FROM event_store.events e
                                                         WHERE e.stream_id = s.stream_id))
      FROM unnest(ords, streams, counts, starts) AS c(ordinal, stream_id, events, start)
     WHERE c.ordinal = ANY (won) AND s.stream_id = c.stream_id;

    IF cardinality(opening) > 0 THEN
        WITH made AS (
            INSERT INTO event_store.streams AS s
                   (stream_id, category, merchant_id, version, first_position, last_position)
            SELECT c.stream_id, c.category, c.merchant_id, c.events, positions[c.start + 1],
                   positions[c.start + c.events]
              FROM unnest(ords, streams, categories, merchants, counts, starts)
                   AS c(ordinal, stream_id, category, merchant_id, events, start)
             WHERE c.ordinal = ANY (opening)
             ORDER BY c.stream_id
            ON CONFLICT DO NOTHING
            RETURNING s.stream_id
        )
        SELECT won || coalesce(array_agg(c.ordinal), '{}') INTO won
          FROM unnest(ords, streams) AS c(ordinal, stream_id) JOIN made m USING (stream_id);
    END IF;

    SELECT coalesce(array_agg(f), '{}') INTO lost FROM unnest(fresh) f WHERE f <> ALL (won);

    INSERT INTO event_store.events AS e
           (position, event_id, stream_id, version, category, type, schema_version, data, metadata, recorded_at)
    SELECT positions[c.start + v.number], (v.item->>'event_id')::uuid, c.stream_id, c.expected + v.number, c.category,
           v.item->>'type', (v.item->>'schema_version')::integer, v.item->'data', v.item->'metadata', now_at
      FROM unnest(ords, streams, categories, expected, starts) AS c(ordinal, stream_id, category, expected, start),
           LATERAL jsonb_array_elements(appends->(c.ordinal - 1)::integer->'events') WITH ORDINALITY AS v(item, number)
     WHERE c.ordinal = ANY (won)
     ORDER BY c.ordinal, v.number;

    RETURN QUERY
    SELECT c.ordinal, 'appended', c.expected + c.events, positions[c.start + c.events], NULL::text, NULL::smallint,
           NULL::text
      FROM unnest(ords, expected, counts, starts) AS c(ordinal, expected, events, start)
     WHERE c.ordinal = ANY (won);

    IF EXISTS (SELECT FROM unnest(keys) k WHERE k IS NOT NULL) THEN
        DELETE FROM event_store.idempotency_keys i
         USING unnest(ords, merchants, keys) AS c(ordinal, merchant_id, key)
         WHERE c.ordinal = ANY (lost) AND i.merchant_id = c.merchant_id AND i.key = c.key;

        -- A key whose only holder lost its version check within this very call is free again: a conflict, to try anew.
        RETURN QUERY
        SELECT c.ordinal, CASE WHEN i.key IS NULL THEN 'conflict' ELSE 'seen' END,
               CASE WHEN i.key IS NULL THEN coalesce(s.version, 0) END,
               (SELECT e.position FROM event_store.events e
                 WHERE e.stream_id = i.stream_id AND e.version = i.version),
               i.fingerprint, i.status, i.response
          FROM unnest(ords, merchants, keys, streams) AS c(ordinal, merchant_id, key, stream_id)
          LEFT JOIN event_store.idempotency_keys i ON i.merchant_id = c.merchant_id AND i.key = c.key
          LEFT JOIN event_store.streams s ON s.stream_id = c.stream_id
         WHERE c.ordinal <> ALL (coalesce(fresh, '{}'));
    END IF;

    IF cardinality(lost) > 0 THEN
        RETURN QUERY
        SELECT c.ordinal, 'conflict', coalesce(s.version, 0), NULL::bigint, NULL::text, NULL::smallint, NULL::text
          FROM unnest(ords, streams) AS c(ordinal, stream_id)
          LEFT JOIN event_store.streams s USING (stream_id)
         WHERE c.ordinal = ANY (lost);
    END IF;
END
$$;

CREATE OR REPLACE FUNCTION event_store.remember(
    merchant text, idempotency_key text, request_fingerprint text, answer_status smallint, answer text,
    stream uuid, stream_version bigint
) RETURNS TABLE (fingerprint text, status smallint, response text, "position" bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
    PERFORM event_store.require_open();
    LOOP
        INSERT INTO event_store.idempotency_keys
               (merchant_id, key, fingerprint, status, response, stream_id, version, created_at)
        SELECT merchant, idempotency_key, request_fingerprint, answer_status, answer, s.stream_id, stream_version,
               clock_timestamp()
          FROM event_store.streams s
         WHERE s.stream_id = stream AND s.merchant_id = merchant AND stream_version BETWEEN 1 AND s.version
        ON CONFLICT DO NOTHING;
        IF FOUND THEN
            RETURN;
        END IF;
        IF NOT EXISTS (SELECT FROM event_store.streams s
                        WHERE s.stream_id = stream AND s.merchant_id = merchant
                          AND stream_version BETWEEN 1 AND s.version) THEN
            RAISE EXCEPTION 'the merchant has no stream % at version %', stream, stream_version
                USING ERRCODE = 'invalid_parameter_value';
        END IF;
        RETURN QUERY
        SELECT i.fingerprint, i.status, i.response, e.position
          FROM event_store.idempotency_keys i
          JOIN event_store.events e ON e.stream_id = i.stream_id AND e.version = i.version
         WHERE i.merchant_id = merchant AND i.key = idempotency_key;
        IF FOUND THEN
            RETURN;
        END IF;
        -- Whoever held the key meanwhile lost its version check and gave it back.
    END LOOP;
END
$$;

-- The events of some streams, each stream in order, up to a version and a position. Looks into no partition outside of the
-- positions that the streams name: each would cost, also one without a row of theirs. STABLE: both statements see the same.
CREATE FUNCTION event_store.load_streams(stream_ids uuid[], up_to_version bigint, up_to_position bigint)
RETURNS SETOF event_store.events
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    first_one bigint;
    last_one  bigint;
BEGIN
    SELECT min(coalesce(s.first_position, 1)), max(coalesce(s.last_position, 9223372036854775807))
      INTO first_one, last_one
      FROM event_store.streams s WHERE s.stream_id = ANY (stream_ids);
    IF first_one IS NULL THEN
        RETURN;
    END IF;
    -- EXECUTE: planned for these positions. A plan for any would open every partition.
    RETURN QUERY EXECUTE
        'SELECT e.* FROM event_store.events e
          WHERE e.stream_id = ANY ($1) AND e.version <= $2 AND e.position BETWEEN $3 AND $4
          ORDER BY e.stream_id, e.version'
        USING stream_ids, up_to_version, first_one, least(last_one, up_to_position);
END
$$;

-- Puts events where they were before the log lost them, as Kafka still has them; how many. Only while the log is closed.
-- `lost` is a JSON array in the order of positions:
--   {"position", "event_id", "stream_id", "version", "category", "type", "schema_version", "data", "metadata",
--    "recorded_at"}
-- Raises when one does not follow what its stream has. The idempotency record of a command whose events these are is
-- written as well, without its answer.
CREATE FUNCTION event_store.write_back(lost jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    events  event_store.events[] := ARRAY(SELECT r FROM jsonb_populate_recordset(NULL::event_store.events, lost) r);
    broken  uuid;
BEGIN
    IF (SELECT s.closed_because FROM event_store.log_state() s) IS NULL THEN
        RAISE EXCEPTION 'the log is open: nothing is written back into it'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;

    SELECT w.stream_id INTO broken
      FROM unnest(events) w LEFT JOIN event_store.streams s USING (stream_id)
     GROUP BY w.stream_id, s.version, s.last_position
    HAVING min(w.version) <> coalesce(s.version, 0) + 1 OR max(w.version) - min(w.version) + 1 <> count(*)
        OR min(w.position) <= coalesce(s.last_position, 0);
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'stream % went on otherwise: its lost events do not follow what the log has', broken
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;

    INSERT INTO event_store.events SELECT w.* FROM unnest(events) w ORDER BY w.position;

    INSERT INTO event_store.streams AS s (stream_id, category, merchant_id, version, first_position, last_position)
    SELECT w.stream_id, min(w.category), min(w.metadata->>'merchant_id'), max(w.version), min(w.position), max(w.position)
      FROM unnest(events) w GROUP BY w.stream_id
    ON CONFLICT (stream_id) DO UPDATE SET version = excluded.version, last_position = excluded.last_position;

    INSERT INTO event_store.idempotency_keys
           (merchant_id, key, fingerprint, status, response, stream_id, version, created_at)
    SELECT w.metadata->>'merchant_id', w.metadata->>'idempotency_key', min(w.metadata->>'request_fingerprint'),
           min((w.metadata->>'answer_status')::smallint), NULL, w.stream_id, max(w.version), min(w.recorded_at)
      FROM unnest(events) w
     WHERE w.metadata ? 'idempotency_key'
     GROUP BY 1, 2, w.stream_id
    ON CONFLICT DO NOTHING;
    RETURN cardinality(events);
END
$$;

-- Opens the log on this PostgreSQL, in a new epoch: above `highest_epoch`, and with new positions well above
-- `highest_position`, the highest that anybody has seen. Returns the epoch.
CREATE FUNCTION event_store.reopen_log(highest_epoch integer, highest_position bigint, report jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    before event_store.incarnation;
    reason text;
    raised integer;
    begins bigint;
BEGIN
    SELECT * INTO before FROM event_store.incarnation FOR UPDATE;
    reason := (SELECT s.closed_because FROM event_store.log_state() s);
    IF reason IS NULL THEN
        RAISE EXCEPTION 'the log is open' USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    raised := greatest(before.epoch, highest_epoch) + 1;
    begins := event_store.leap(highest_position);
    UPDATE event_store.incarnation
       SET epoch = raised, server = event_store.server_identity(), verified_start = pg_postmaster_start_time(),
           closed_because = NULL, changed_at = clock_timestamp();
    INSERT INTO event_store.recoveries
    VALUES (raised, clock_timestamp(), session_user, event_store.server_identity(), reason,
            coalesce((report->>'written_back')::bigint, 0), begins, report);
    RETURN raised;
END
$$;

REVOKE ALL ON event_store.incarnation, event_store.recoveries FROM PUBLIC;
REVOKE ALL ON FUNCTION event_store.append(jsonb, bigint), event_store.server_identity(), event_store.log_state(),
    event_store.require_open(), event_store.close_log(text), event_store.load_streams(uuid[], bigint, bigint),
    event_store.write_back(jsonb), event_store.reopen_log(integer, bigint, jsonb), event_store.verify_start(text, text),
    event_store.leap(bigint) FROM PUBLIC;
GRANT SELECT ON event_store.recoveries TO paystream_app;
GRANT EXECUTE ON FUNCTION event_store.log_state(), event_store.load_streams(uuid[], bigint, bigint)
    TO paystream_app, paystream_projector;
GRANT EXECUTE ON FUNCTION event_store.append(jsonb, bigint), event_store.require_open(), event_store.close_log(text)
    TO paystream_app;
GRANT EXECUTE ON FUNCTION event_store.write_back(jsonb), event_store.reopen_log(integer, bigint, jsonb),
    event_store.verify_start(text, text) TO paystream_relay;
