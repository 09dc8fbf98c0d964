-- name: granted
-- Every right that a role has in our schemas, by itself, its groups or PUBLIC: role, kind, object, letter, column if of some
-- columns alone.
WITH roles AS (
    SELECT r.oid, r.rolname AS name FROM pg_roles r WHERE r.rolname = ANY(%(roles)s::text[])
), schemas AS (
    SELECT n.oid, n.nspname FROM pg_namespace n
     WHERE n.nspname NOT LIKE 'pg\_%%' AND n.nspname <> 'information_schema'
), relations AS (
    SELECT c.oid, c.relkind, s.nspname || '.' || c.relname AS name FROM pg_class c JOIN schemas s ON s.oid = c.relnamespace
)
SELECT r.name AS role, 'schemas' AS kind, s.nspname AS object, p.letter, NULL AS col
  FROM roles r, schemas s, (VALUES ('USAGE', 'G'), ('CREATE', 'C')) AS p(privilege, letter)
 WHERE has_schema_privilege(r.oid, s.oid, p.privilege)
UNION ALL
SELECT r.name, 'tables', t.name, p.letter, NULL
  FROM roles r, relations t, (VALUES ('SELECT', 'S'), ('INSERT', 'I'), ('UPDATE', 'U'), ('DELETE', 'D'), ('TRUNCATE', 'T'),
                                     ('REFERENCES', 'F'), ('TRIGGER', 'X'), ('MAINTAIN', 'M')) AS p(privilege, letter)
 WHERE t.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_table_privilege(r.oid, t.oid, p.privilege)
UNION ALL
SELECT r.name, 'columns', t.name, p.letter, a.attname
  FROM roles r, relations t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped,
       (VALUES ('SELECT', 'S'), ('INSERT', 'I'), ('UPDATE', 'U'), ('REFERENCES', 'F')) AS p(privilege, letter)
 WHERE t.relkind IN ('r', 'p', 'v', 'm', 'f') AND has_column_privilege(r.oid, t.oid, a.attnum, p.privilege)
   AND NOT has_table_privilege(r.oid, t.oid, p.privilege)
UNION ALL
SELECT r.name, 'sequences', t.name, p.letter, NULL
  FROM roles r, relations t, (VALUES ('SELECT', 'S'), ('USAGE', 'G'), ('UPDATE', 'U')) AS p(privilege, letter)
 WHERE t.relkind = 'S' AND has_sequence_privilege(r.oid, t.oid, p.privilege)
UNION ALL
SELECT DISTINCT r.name, 'functions', s.nspname || '.' || f.proname, 'E', NULL
  FROM roles r, pg_proc f JOIN schemas s ON s.oid = f.pronamespace
 WHERE has_function_privilege(r.oid, f.oid, 'EXECUTE');

-- name: objects
-- Everything that rights can be of, by kind; of a function each form, of a table a column that may be written.
SELECT 'tables' AS kind, n.nspname || '.' || c.relname AS object, c.relkind::text AS form,
       (SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
           AND a.attgenerated = '' ORDER BY a.attnum LIMIT 1) AS detail
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\_%%' AND n.nspname <> 'information_schema'
UNION ALL
SELECT 'sequences', n.nspname || '.' || c.relname, 'S', NULL
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'S' AND n.nspname NOT LIKE 'pg\_%%' AND n.nspname <> 'information_schema'
UNION ALL
SELECT 'functions', n.nspname || '.' || f.proname, f.prorettype::regtype::text,
       (SELECT string_agg(format('NULL::%%s', t::regtype), ', ' ORDER BY i)
          FROM unnest(f.proargtypes::oid[]) WITH ORDINALITY AS a(t, i))
  FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
 WHERE n.nspname NOT LIKE 'pg\_%%' AND n.nspname <> 'information_schema'
UNION ALL
SELECT 'schemas', n.nspname, '', NULL
  FROM pg_namespace n WHERE n.nspname NOT LIKE 'pg\_%%' AND n.nspname <> 'information_schema';

-- name: roles
-- What each role is beyond its rights, and whose rights it has besides its own.
SELECT r.rolname AS role, r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls AS is_mighty,
       ARRAY(SELECT g.rolname::text FROM pg_roles g WHERE g.oid <> r.oid AND pg_has_role(r.oid, g.oid, 'MEMBER')
              ORDER BY 1) AS groups,
       EXISTS (SELECT FROM pg_class c WHERE c.relowner = r.oid) OR EXISTS (SELECT FROM pg_proc f WHERE f.proowner = r.oid)
           AS owns
  FROM pg_roles r WHERE r.rolname = ANY(%(roles)s::text[]);
