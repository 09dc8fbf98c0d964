-- name: make
-- What was signed last of each log.
CREATE TABLE IF NOT EXISTS checkpoints (
    origin TEXT    PRIMARY KEY,
    size   INTEGER NOT NULL,
    root   BLOB    NOT NULL,
    note   TEXT    NOT NULL  -- with the signatures of the log and of this witness
) STRICT;

-- name: newest
-- The one of a log.
SELECT size, root, note FROM checkpoints WHERE origin = :origin;

-- name: keep
-- The next one of a log.
INSERT INTO checkpoints (origin, size, root, note) VALUES (:origin, :size, :root, :note)
ON CONFLICT (origin) DO UPDATE SET size = excluded.size, root = excluded.root, note = excluded.note;

-- name: count
-- How many logs it has seen.
SELECT count(*) FROM checkpoints;
