-- name: count
-- How many codes somebody has left.
SELECT count(*) FROM access.recovery_codes WHERE name = %(name)s;

-- name: hash_of
-- The hash of one of somebody's codes.
SELECT hash FROM access.recovery_codes WHERE name = %(name)s AND number = %(number)s;

-- name: take
-- A code is gone once it is used: of two that use it at the same instant, one finds it.
DELETE FROM access.recovery_codes WHERE name = %(name)s AND number = %(number)s AND hash = %(hash)s RETURNING number;

-- name: remove
-- All codes of somebody.
DELETE FROM access.recovery_codes WHERE name = %(name)s;

-- name: add
-- New codes of somebody, in the order of their numbers.
INSERT INTO access.recovery_codes (name, number, hash)
SELECT %(name)s, given.number - 1, given.hash FROM unnest(%(hashes)s::text[]) WITH ORDINALITY AS given(hash, number);
