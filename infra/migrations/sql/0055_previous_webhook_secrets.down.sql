-- An endpoint has one previous secret again: the last that was replaced, or else the one that signs longest. Others sign no more.
UPDATE webhooks_out.endpoints e
   SET previous_secret = p.secret, previous_secret_until = p.signs_until
  FROM (SELECT DISTINCT ON (endpoint_id) endpoint_id, secret, signs_until
          FROM webhooks_out.previous_secrets
         ORDER BY endpoint_id, signs_until DESC) p
 WHERE p.endpoint_id = e.endpoint_id AND p.signs_until > clock_timestamp()
   AND (e.previous_secret_until > clock_timestamp()) IS NOT TRUE;
DROP TRIGGER keep_previous_secret ON webhooks_out.endpoints;
DROP FUNCTION webhooks_out.keep_previous_secret();
DROP TABLE webhooks_out.previous_secrets;
