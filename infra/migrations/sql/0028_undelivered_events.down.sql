DELETE FROM consumers.balance_cursors WHERE list = 'undelivered_events';
