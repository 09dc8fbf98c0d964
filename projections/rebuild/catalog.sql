-- name: definition
-- The statements that make a table like a live one in another schema, in their order: with its columns, checks, keys,
-- indexes, rights, and the triggers that look at what is written. Those that tell of rows that go come with the swap.
WITH live AS (
    SELECT c.oid, c.relname, c.relowner, c.relacl, c.reloptions,
           format('%%I.%%I', %(schema)s::text, c.relname) AS made, c.oid::regclass::text AS name
      FROM pg_class c WHERE c.oid = %(table)s::regclass
)
SELECT statement FROM (
    SELECT 1 AS step, ''::text AS name,
           format('CREATE TABLE %%s (LIKE %%s INCLUDING COMMENTS INCLUDING COMPRESSION INCLUDING CONSTRAINTS INCLUDING DEFAULTS'
                  ' INCLUDING GENERATED INCLUDING STATISTICS INCLUDING STORAGE)%%s', made, name,
                  ' WITH (' || array_to_string(reloptions, ', ') || ')') AS statement
      FROM live
    UNION ALL
    SELECT 2, k.conname, format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', made, k.conname, pg_get_constraintdef(k.oid))
      FROM live JOIN pg_constraint k ON k.conrelid = live.oid WHERE k.contype IN ('p', 'u', 'x')
    UNION ALL
    SELECT 3, i.indexrelid::regclass::text,
           replace(pg_get_indexdef(i.indexrelid), ' ON ' || live.name || ' ', ' ON ' || made || ' ')
      FROM live JOIN pg_index i ON i.indrelid = live.oid
     WHERE i.indisvalid AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.conrelid = live.oid)
    UNION ALL
    SELECT 4, t.tgname, replace(pg_get_triggerdef(t.oid), ' ON ' || live.name || ' ', ' ON ' || made || ' ')
      FROM live JOIN pg_trigger t ON t.tgrelid = live.oid
     WHERE NOT t.tgisinternal AND t.tgtype & 20 <> 0
    UNION ALL
    SELECT 5, a.privilege_type || a.grantee,
           format('GRANT %%s ON %%s TO %%s%%s', a.privilege_type, made,
                  CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
                  CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
      FROM live, LATERAL aclexplode(live.relacl) AS a WHERE a.grantee <> live.relowner
    UNION ALL
    SELECT 6, '', format('ALTER TABLE %%s OWNER TO %%I', made, pg_get_userbyid(relowner)) FROM live
) AS statements
 ORDER BY step, name;

-- name: later_triggers
-- The statements that give the tables of another schema the triggers of the live ones that only tell of rows that go.
SELECT replace(pg_get_triggerdef(t.oid), ' ON ' || c.oid::regclass::text || ' ', format(' ON %%I.%%I ', %(schema)s::text, c.relname))
  FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid
 WHERE c.oid = ANY (%(tables)s::regclass[]) AND NOT t.tgisinternal AND t.tgtype & 20 = 0
 ORDER BY c.relname, t.tgname;

-- name: views
-- The views over live tables: a view knows its tables, not their names, so each is made again over those of the same names.
SELECT DISTINCT v.oid,
       format('CREATE OR REPLACE VIEW %%s%%s AS %%s', v.oid::regclass, ' WITH (' || array_to_string(v.reloptions, ', ') || ')',
              pg_get_viewdef(v.oid)) AS statement
  FROM pg_depend d
  JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
  JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v'
 WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (%(tables)s::regclass[]::oid[])
 ORDER BY v.oid;

-- name: immovable
-- What would go on with the replaced tables, or be lost with them: none of it is in Paystream's own schema.
SELECT 'materialized view ' || v.oid::regclass
  FROM pg_depend d
  JOIN pg_rewrite r ON r.oid = d.objid AND d.classid = 'pg_rewrite'::regclass
  JOIN pg_class v ON v.oid = r.ev_class AND v.relkind <> 'v'
 WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY (%(tables)s::regclass[]::oid[])
UNION
SELECT 'function ' || d.objid::regprocedure
  FROM pg_depend d
 WHERE d.classid = 'pg_proc'::regclass AND d.refclassid = 'pg_class'::regclass
   AND d.refobjid = ANY (%(tables)s::regclass[]::oid[])
UNION
SELECT 'foreign key ' || conname || ' of ' || conrelid::regclass
  FROM pg_constraint
 WHERE contype = 'f' AND (conrelid = ANY (%(tables)s::regclass[]) OR confrelid = ANY (%(tables)s::regclass[]))
UNION
SELECT 'publication ' || p.pubname
  FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
 WHERE r.prrelid = ANY (%(tables)s::regclass[])
UNION
SELECT 'policy ' || polname || ' of ' || polrelid::regclass FROM pg_policy WHERE polrelid = ANY (%(tables)s::regclass[])
UNION
SELECT 'inheritance of ' || inhrelid::regclass
  FROM pg_inherits WHERE inhrelid = ANY (%(tables)s::regclass[]) OR inhparent = ANY (%(tables)s::regclass[])
UNION
SELECT 'identity or rights of the column ' || attrelid::regclass || '.' || attname
  FROM pg_attribute WHERE attrelid = ANY (%(tables)s::regclass[]) AND attnum > 0 AND (attidentity <> '' OR attacl IS NOT NULL)
ORDER BY 1;

-- name: changed
-- What the live tables have and those of a build have not, or the other way round: a migration came between.
WITH defined AS (
    SELECT c.relnamespace, c.relname, found.what
      FROM pg_class c,
           LATERAL (SELECT format('column %%s %%s%%s', attname, format_type(atttypid, atttypmod),
                                  CASE WHEN attnotnull THEN ' not null' ELSE '' END) AS what
                      FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
                    UNION ALL
                    SELECT 'index ' || i.relname FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid
                    UNION ALL
                    SELECT 'constraint ' || conname FROM pg_constraint WHERE conrelid = c.oid) AS found
     WHERE c.relname = ANY (%(tables)s::text[])
), live AS (
    SELECT relname, what FROM defined WHERE relnamespace = %(live)s::regnamespace
), built AS (
    SELECT relname, what FROM defined WHERE relnamespace = %(schema)s::regnamespace
)
SELECT DISTINCT relname || ': ' || what
  FROM ((TABLE live EXCEPT TABLE built) UNION ALL (TABLE built EXCEPT TABLE live)) AS either
 ORDER BY 1;

-- name: holders
-- Who holds the tables at this moment, the longest first; how long, is told to those who may know.
SELECT a.pid, a.usename, a.application_name, round(extract(epoch FROM clock_timestamp() - a.xact_start))::integer AS seconds
  FROM pg_stat_activity a
 WHERE a.pid <> pg_backend_pid()
   AND EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.granted AND l.relation = ANY (%(tables)s::regclass[]::oid[]))
 ORDER BY a.xact_start
 LIMIT 3;

-- name: sizes
-- Of some tables: how many rows they have by the last estimate (none: never analyzed), and what they take on disk.
SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::bigint AS rows, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint AS bytes
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE n.nspname = %(schema)s AND c.relname = ANY (%(tables)s::text[]);

-- name: end_when_frozen
-- A process that is frozen within a transaction holds locks, and vacuum back: its session ends, and its work goes on later.
SET idle_in_transaction_session_timeout = '60s';

-- name: as_filler
-- Until the transaction ends, or as_owner: the role that may write the tables of a build and nothing else.
SET LOCAL ROLE paystream_rebuild;

-- name: as_owner
-- As it was.
RESET ROLE;

-- name: name_in_full
-- Until the transaction ends definitions are given with the schemas of all that they name.
SET LOCAL search_path = pg_catalog;
