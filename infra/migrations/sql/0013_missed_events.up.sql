-- How far the sweeper has read the list of Stripe's events, to make up for webhooks that were lost.

-- From now on: of what was before, webhooks told.
INSERT INTO consumers.balance_cursors (list, watermark) VALUES ('events', extract(epoch FROM now())::bigint);
