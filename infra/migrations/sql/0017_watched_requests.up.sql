-- Up to which position the sweeper has seen that every request of a client has its task. The log of before is taken for
-- seen: its finished tasks may have been removed.
CREATE TABLE consumers.watched_requests (
    one_row  boolean PRIMARY KEY DEFAULT true CHECK (one_row),
    position bigint  NOT NULL
);
INSERT INTO consumers.watched_requests (position)
SELECT coalesce(max(position), 0) FROM event_store.events;
GRANT SELECT, UPDATE ON consumers.watched_requests TO paystream_app;
