-- name: primary_key
-- The columns by which a row of a table is known.
SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
 WHERE i.indrelid = %(table)s::regclass AND i.indisprimary ORDER BY array_position(i.indkey::int2[], a.attnum);

-- name: columns
-- The columns of a table.
SELECT attname FROM pg_attribute
 WHERE attrelid = %(table)s::regclass AND attnum > 0 AND NOT attisdropped
 ORDER BY attnum;
