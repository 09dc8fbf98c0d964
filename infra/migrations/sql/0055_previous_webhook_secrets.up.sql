-- Secrets of webhook endpoints that were replaced by others, each with its own end: a rotation ends no overlap but those it is told to.

CREATE TABLE webhooks_out.previous_secrets (
    endpoint_id uuid        NOT NULL REFERENCES webhooks_out.endpoints ON DELETE CASCADE,
    secret      bytea       NOT NULL,  -- encrypted, as it was in webhooks_out.endpoints
    signs_until timestamptz NOT NULL,
    PRIMARY KEY (endpoint_id, secret)
);

CREATE INDEX previous_secrets_ended ON webhooks_out.previous_secrets (signs_until);

-- Whoever replaces a secret or deletes an endpoint, a process of the version before too, which knows of one previous
-- secret alone: what is written as the previous one is kept beside those before it, and a deleted endpoint has none.
CREATE FUNCTION webhooks_out.keep_previous_secret() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NEW.deleted_at IS NOT NULL THEN
        DELETE FROM webhooks_out.previous_secrets WHERE endpoint_id = NEW.endpoint_id;
    ELSIF NEW.previous_secret IS NOT NULL AND NEW.previous_secret_until > clock_timestamp() THEN
        INSERT INTO webhooks_out.previous_secrets (endpoint_id, secret, signs_until)
        VALUES (NEW.endpoint_id, NEW.previous_secret, NEW.previous_secret_until)
            ON CONFLICT (endpoint_id, secret) DO UPDATE SET signs_until = excluded.signs_until;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER keep_previous_secret
    AFTER UPDATE OF previous_secret, previous_secret_until, deleted_at ON webhooks_out.endpoints
    FOR EACH ROW EXECUTE FUNCTION webhooks_out.keep_previous_secret();

INSERT INTO webhooks_out.previous_secrets (endpoint_id, secret, signs_until)
SELECT endpoint_id, previous_secret, previous_secret_until
  FROM webhooks_out.endpoints
 WHERE deleted_at IS NULL AND previous_secret IS NOT NULL AND previous_secret_until > clock_timestamp();

-- Written by the trigger alone: nobody can have a secret sign that was never an endpoint's, or for longer.
GRANT SELECT, DELETE ON webhooks_out.previous_secrets TO paystream_app;
