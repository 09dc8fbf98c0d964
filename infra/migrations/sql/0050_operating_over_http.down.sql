DROP TABLE consumers.circuit_breakers;

UPDATE access.api_keys SET scopes = array_remove(scopes, 'actor:set')
 WHERE merchant_id IS NULL AND scopes <> ARRAY['actor:set'];
DELETE FROM access.api_keys WHERE merchant_id IS NULL AND scopes = ARRAY['actor:set'];
ALTER TABLE access.api_keys DROP CONSTRAINT scopes_of_owner;
ALTER TABLE access.api_keys ADD CONSTRAINT scopes_of_owner CHECK (
    CASE WHEN merchant_id IS NULL
         THEN scopes <@ ARRAY['finance:read', 'finance:write', 'audit:read', 'admin:read', 'admin:write']
         ELSE scopes <@ ARRAY['payments:write', 'refunds:write', 'payments:read', 'webhooks:write', 'actor:set'] END);
