-- name: insert_fault_rule
-- A new rule, after all others.
INSERT INTO fault_rules (rule) VALUES (:rule);

-- name: count_fault
-- A rule was looked at, and fired or not.
UPDATE fault_rules SET seen = :seen, fired = :fired WHERE id = :id;

-- name: fault_rules
-- All rules in the order in which they were made.
SELECT id, rule, seen, fired FROM fault_rules ORDER BY id;

-- name: delete_fault_rule
-- Ends one rule, or all when no id is given.
DELETE FROM fault_rules WHERE :id IS NULL OR id = :id;
