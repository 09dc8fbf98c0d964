-- name: schedule
-- Remembers that an object changes by itself at a time, instead of at the one said before.
INSERT OR REPLACE INTO pending_transitions (id, due) VALUES (:id, :due);

-- name: due
-- Objects whose time has come.
SELECT id FROM pending_transitions WHERE due <= :now ORDER BY due;

-- name: next_due
-- When the next object changes by itself.
SELECT min(due) FROM pending_transitions;

-- name: unschedule
-- The object has changed.
DELETE FROM pending_transitions WHERE id = :id;
