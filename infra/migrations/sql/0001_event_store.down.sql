-- Removes the event log with every event in it. The group roles stay: they belong to the cluster, and other
-- databases of it may use them.
DROP SCHEMA event_store CASCADE;
