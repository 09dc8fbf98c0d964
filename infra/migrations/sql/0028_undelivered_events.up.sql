-- How far the sweeper has read the list of those events that a webhook endpoint has not taken. It is read often; the list of
-- all events seldom, from its own cursor.

-- From now on: of what was before, the list of all events tells.
INSERT INTO consumers.balance_cursors (list, watermark) VALUES ('undelivered_events', extract(epoch FROM now())::bigint);
