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

-- name: locks
-- Everybody who was locked, or had all their sessions ended, at some time, by name.
SELECT name, is_locked, actor, reason, changed_at, lock_position FROM access.staff_locks ORDER BY name;

-- name: keep_lock
-- What an event, that locks somebody or unlocks them, makes of their row.
INSERT INTO access.staff_locks AS l (name, is_locked, actor, reason, changed_at, lock_position)
SELECT lower(e.data->>'name'), e.type = 'access.staff_locked', e.data->>'actor', e.data->>'reason', e.recorded_at,
       CASE WHEN e.type = 'access.staff_locked' THEN e.position ELSE 0 END
  FROM event_store.events e
 WHERE e.position = %(position)s
    ON CONFLICT (name) DO UPDATE
   SET is_locked = excluded.is_locked, actor = excluded.actor, reason = excluded.reason,
       changed_at = excluded.changed_at, lock_position = greatest(l.lock_position, excluded.lock_position);

-- name: lock_position
-- The position of the event that locked somebody, or ended all their sessions, last.
SELECT lock_position FROM access.staff_locks WHERE name = %(name)s;

-- name: keep_end_of_sessions
-- What an event, that ends all sessions of somebody, makes of their row: whether they are locked stays as it is.
INSERT INTO access.staff_locks AS l (name, is_locked, actor, reason, changed_at, lock_position)
SELECT lower(e.data->>'name'), false, e.data->>'actor', e.data->>'reason', e.recorded_at, e.position
  FROM event_store.events e
 WHERE e.position = %(position)s
    ON CONFLICT (name) DO UPDATE SET lock_position = greatest(l.lock_position, excluded.lock_position);
