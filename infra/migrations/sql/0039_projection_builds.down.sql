-- Removes every build with its tables, those that were replaced too. What is live stays live.
DO $$
DECLARE
    build text;
BEGIN
    FOR build IN SELECT nspname FROM pg_namespace WHERE nspname ~ '^read_model_(build|replaced)_[0-9]+$' LOOP
        EXECUTE format('DROP SCHEMA %I CASCADE', build);
    END LOOP;
END
$$;
DROP TABLE consumers.projection_builds;
-- The role stays: it belongs to the cluster, where another database may use it.
