-- Stop the sweeper and the gateway first.
DROP INDEX consumers.gateway_tasks_refresh;
DROP TABLE consumers.waiting_payments;
