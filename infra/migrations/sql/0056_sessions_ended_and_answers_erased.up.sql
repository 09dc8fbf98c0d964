-- As before; and the sessions that somebody had behind a position, which were all ended, are over in a copy that is older.
CREATE OR REPLACE FUNCTION event_store.follow_access(after_position bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO access.merchants (merchant_id, name, created_at)
    SELECT e.data->>'merchant_id', e.data->>'name', e.recorded_at
      FROM event_store.events e
     WHERE e.position > after_position AND e.category = 'access' AND e.type = 'access.merchant_created'
     ORDER BY e.position
        ON CONFLICT DO NOTHING;
    UPDATE access.api_keys k
       SET revoked_at = e.recorded_at
      FROM event_store.events e
     WHERE e.position > after_position AND e.category = 'access' AND e.type = 'access.key_revoked'
       AND k.key_id = e.stream_id AND k.revoked_at IS NULL;
    UPDATE access.api_keys k
       SET expires_at = least(k.expires_at, r.expires_at)
      FROM (SELECT e.stream_id, min(to_timestamp((e.data->>'expires_at')::bigint)) AS expires_at
              FROM event_store.events e
             WHERE e.position > after_position AND e.category = 'access' AND e.type = 'access.key_rotated'
             GROUP BY e.stream_id) r
     WHERE k.key_id = r.stream_id AND k.expires_at IS DISTINCT FROM least(k.expires_at, r.expires_at);
    DELETE FROM access.recovery_codes c
     USING event_store.events e
     WHERE e.position > after_position AND e.category = 'access' AND c.name = lower(e.data->>'name')
       AND (e.type = 'access.recovery_codes_made'
            OR e.type = 'access.recovery_code_used' AND c.number = (e.data->>'number')::smallint);
    INSERT INTO access.staff_locks AS l (name, is_locked, actor, reason, changed_at, lock_position)
    SELECT DISTINCT ON (c.name) c.name, c.is_locked, c.actor, c.reason, c.recorded_at,
           coalesce(max(c.position) FILTER (WHERE c.is_locked) OVER (PARTITION BY c.name), 0)
      FROM (SELECT lower(e.data->>'name') AS name, e.type = 'access.staff_locked' AS is_locked,
                   e.data->>'actor' AS actor, e.data->>'reason' AS reason, e.recorded_at, e.position
              FROM event_store.events e
             WHERE e.position > after_position AND e.category = 'access'
               AND e.type IN ('access.staff_locked', 'access.staff_unlocked')) c
     ORDER BY c.name, c.position DESC
        ON CONFLICT (name) DO UPDATE
       SET is_locked = excluded.is_locked, actor = excluded.actor, reason = excluded.reason,
           changed_at = excluded.changed_at, lock_position = greatest(l.lock_position, excluded.lock_position);
    INSERT INTO access.staff_locks AS l (name, is_locked, actor, reason, changed_at, lock_position)
    SELECT DISTINCT ON (lower(e.data->>'name'))
           lower(e.data->>'name'), false, e.data->>'actor', e.data->>'reason', e.recorded_at, e.position
      FROM event_store.events e
     WHERE e.position > after_position AND e.category = 'access' AND e.type = 'access.staff_sessions_ended'
     ORDER BY lower(e.data->>'name'), e.position DESC
        ON CONFLICT (name) DO UPDATE SET lock_position = greatest(l.lock_position, excluded.lock_position);
$$;

-- What merchants' endpoints answered to the webhooks of some payments, which may repeat what was sent to them, is taken away: for
-- an erasure. Nobody else changes the log of attempts. Returns how many answers it were.
CREATE FUNCTION webhooks_out.erase_answers(payment_ids uuid[]) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    WITH erased AS (
        UPDATE webhooks_out.attempts a SET answer = NULL
          FROM webhooks_out.deliveries d
         WHERE d.payment_id = ANY (payment_ids) AND a.delivery_id = d.delivery_id AND a.answer IS NOT NULL
        RETURNING 1
    )
    SELECT count(*) FROM erased;
$$;
REVOKE ALL ON FUNCTION webhooks_out.erase_answers(uuid[]) FROM PUBLIC;
GRANT USAGE ON SCHEMA webhooks_out TO paystream_erasure;
GRANT EXECUTE ON FUNCTION webhooks_out.erase_answers(uuid[]) TO paystream_erasure;
