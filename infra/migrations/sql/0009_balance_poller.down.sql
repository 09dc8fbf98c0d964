-- Stop the worker `stripe-balance` first. It would read everything again from the start; the log drops what it has.
DROP TABLE consumers.balance_cursors, consumers.watched_payouts;
