DELETE FROM consumers.balance_cursors WHERE list = 'events';
