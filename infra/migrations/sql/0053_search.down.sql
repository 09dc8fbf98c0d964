DROP INDEX read_model.payments_by_amount;
DROP INDEX read_model.payment_timeline_by_request;
DROP INDEX read_model.payment_timeline_by_correlation;
