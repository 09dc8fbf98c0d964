-- Makes a login role a member of its group role: {login} and {group} are identifiers, {password} is a literal.
DO $$
BEGIN
    CREATE ROLE {login} LOGIN;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN NULL;
END
$$;
ALTER ROLE {login} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE INHERIT PASSWORD {password};
-- For a person who left a transaction open; those of the processes get a shorter one (migration 0041).
ALTER ROLE {login} SET idle_in_transaction_session_timeout = '60s';
GRANT {group} TO {login};
