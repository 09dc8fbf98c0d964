-- Endpoints and their secrets are nowhere else: merchants have to make them anew.
DROP SCHEMA webhooks_out CASCADE;
DELETE FROM consumers.consumer_checkpoints WHERE consumer = 'webhooks-out';
