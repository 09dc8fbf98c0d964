-- Settings of the login roles. A process that is connected to PostgreSQL itself sends its own, and they win; behind a
-- pooler in transaction mode these are the only ones. PostgreSQL takes settings from the role that logs in alone, not
-- from the groups that it is a member of.

CREATE FUNCTION event_store.apply_login_settings() RETURNS SETOF text
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    -- A frozen process would keep its row locks, and the relay waiting at the positions that it has drawn. A plan that
    -- was made while its table was small must not be kept: plans are made anew for each call.
    guards CONSTANT text[] := ARRAY['idle_in_transaction_session_timeout=3s', 'plan_cache_mode=force_custom_plan'];
    reads CONSTANT text[] := ARRAY['default_transaction_read_only=on', 'statement_timeout=5s'];
    member record;
    setting text;
BEGIN
    FOR member IN
        SELECT login.rolname, guards || CASE WHEN bool_and(kind.rolname = 'paystream_query') THEN reads
                                             ELSE '{}' END AS wanted, own.setconfig AS present
          FROM pg_auth_members AS belongs
          JOIN pg_roles AS kind ON kind.oid = belongs.roleid
          JOIN pg_roles AS login ON login.oid = belongs.member
          LEFT JOIN pg_db_role_setting AS own ON own.setrole = login.oid AND own.setdatabase = 0
         WHERE kind.rolname IN ('paystream_app', 'paystream_relay', 'paystream_projector', 'paystream_query')
           AND login.rolcanlogin AND NOT login.rolsuper AND login.rolname <> current_user
         GROUP BY login.rolname, own.setconfig
         ORDER BY login.rolname
    LOOP
        CONTINUE WHEN member.present @> member.wanted;
        BEGIN
            FOREACH setting IN ARRAY member.wanted LOOP
                EXECUTE format('ALTER ROLE %I SET %I = %L', member.rolname,
                               split_part(setting, '=', 1), split_part(setting, '=', 2));
            END LOOP;
        EXCEPTION WHEN insufficient_privilege THEN
            RETURN NEXT member.rolname;
        END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION event_store.apply_login_settings() IS
    'Gives the login roles of the processes their settings; returns those whose settings this role may not change. '
    'To be called when login roles were made.';
REVOKE ALL ON FUNCTION event_store.apply_login_settings() FROM PUBLIC;

SELECT event_store.apply_login_settings();
