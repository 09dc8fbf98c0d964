-- For psql: makes the login roles of the processes, members of the group roles that the migrations make. Run by the
-- owner of the database after them, any number of times; a changed password is taken over.

\set ON_ERROR_STOP on
SET client_min_messages = warning; -- not that a role is a member already
\getenv app_password PAYSTREAM_APP_PASSWORD
\getenv relay_password PAYSTREAM_RELAY_PASSWORD
\getenv projector_password PAYSTREAM_PROJECTOR_PASSWORD
\getenv query_password PAYSTREAM_QUERY_PASSWORD
\getenv audit_password PAYSTREAM_AUDIT_PASSWORD
\getenv sealer_password PAYSTREAM_SEALER_PASSWORD
\getenv erasure_password PAYSTREAM_ERASURE_PASSWORD
\getenv access_password PAYSTREAM_ACCESS_PASSWORD

SELECT format('CREATE ROLE %I', login)
FROM unnest(ARRAY['paystream_app_login', 'paystream_relay_login', 'paystream_projector_login', 'paystream_query_login',
                  'paystream_audit_login', 'paystream_sealer_login', 'paystream_erasure_login',
                  'paystream_access_login']) AS login
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = login)
\gexec

-- A password that is not set is no SQL: it ends here.
ALTER ROLE paystream_app_login LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT PASSWORD :'app_password';
ALTER ROLE paystream_relay_login LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT PASSWORD :'relay_password';
ALTER ROLE paystream_projector_login LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT PASSWORD :'projector_password';
ALTER ROLE paystream_query_login LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT PASSWORD :'query_password';
ALTER ROLE paystream_audit_login LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT PASSWORD :'audit_password';
ALTER ROLE paystream_sealer_login LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT PASSWORD :'sealer_password';
ALTER ROLE paystream_erasure_login LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT PASSWORD :'erasure_password';
ALTER ROLE paystream_access_login LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT PASSWORD :'access_password';
-- For a person who left a transaction open.
ALTER ROLE paystream_audit_login SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE paystream_sealer_login SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE paystream_erasure_login SET idle_in_transaction_session_timeout = '60s';
ALTER ROLE paystream_access_login SET idle_in_transaction_session_timeout = '60s';
GRANT paystream_app TO paystream_app_login;
GRANT paystream_relay TO paystream_relay_login;
GRANT paystream_projector TO paystream_projector_login;
GRANT paystream_query TO paystream_query_login;
GRANT paystream_audit TO paystream_audit_login;
GRANT paystream_sealer TO paystream_sealer_login;
GRANT paystream_erasure TO paystream_erasure_login;
GRANT paystream_access TO paystream_access_login;
-- The settings of the others.
DO $$
BEGIN
    IF EXISTS (SELECT FROM event_store.apply_login_settings()) THEN
        RAISE WARNING 'this role may not set the settings of the logins: see docs/deployment.md';
    END IF;
END
$$;

-- PostgreSQL lets anybody into the databases that it comes with.
REVOKE CONNECT, TEMPORARY ON DATABASE postgres, template1 FROM PUBLIC;
