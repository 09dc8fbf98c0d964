-- Whose an entry of the ledger and a discrepancy are: the merchant of their payment. What is of no payment (payouts, Stripe's
-- own fees) is of the account, and stays NULL.

ALTER TABLE read_model.ledger_entries ADD COLUMN merchant_id text;
UPDATE read_model.ledger_entries e
   SET merchant_id = s.merchant_id
  FROM read_model.ledger_movements m
  JOIN event_store.streams s ON s.stream_id = m.payment_id
 WHERE m.source_id = e.source_id AND m.category = e.category;
CREATE INDEX ledger_entries_merchant ON read_model.ledger_entries (merchant_id, at DESC, position DESC, number DESC)
    WHERE merchant_id IS NOT NULL;

-- Sums by day in UTC, as ledger_days has them for the account.
CREATE TABLE read_model.ledger_merchant_days (
    merchant_id text   NOT NULL,
    day         date   NOT NULL,
    account     text   NOT NULL,
    currency    text   NOT NULL,
    debit       bigint NOT NULL,
    credit      bigint NOT NULL,
    PRIMARY KEY (merchant_id, day, account, currency)
) WITH (fillfactor = 50);
INSERT INTO read_model.ledger_merchant_days (merchant_id, day, account, currency, debit, credit)
SELECT e.merchant_id, (l.at AT TIME ZONE 'UTC')::date, l.account, l.currency,
       sum(greatest(l.amount, 0)), sum(greatest(-l.amount, 0))
  FROM read_model.ledger_entries e JOIN read_model.ledger_lines l USING (position, number)
 WHERE e.merchant_id IS NOT NULL
 GROUP BY 1, 2, 3, 4;

GRANT SELECT, INSERT, UPDATE, DELETE ON read_model.ledger_merchant_days TO paystream_projector;
GRANT SELECT ON read_model.ledger_merchant_days TO paystream_query;

ALTER TABLE read_model.discrepancies ADD COLUMN merchant_id text;
UPDATE read_model.discrepancies d
   SET merchant_id = s.merchant_id
  FROM event_store.streams s
 WHERE s.stream_id = d.payment_id;
CREATE INDEX discrepancies_merchant ON read_model.discrepancies (merchant_id, date DESC, discrepancy_id DESC)
    WHERE merchant_id IS NOT NULL;
CREATE INDEX discrepancies_merchant_unresolved ON read_model.discrepancies (merchant_id, date DESC, discrepancy_id DESC)
    WHERE merchant_id IS NOT NULL AND status <> 'resolved';

-- What maps events in a rebuild has to know whose a payment is; nothing else of the log.
GRANT USAGE ON SCHEMA event_store TO paystream_rebuild;
GRANT SELECT (stream_id, merchant_id) ON event_store.streams TO paystream_rebuild;

-- A copy that is older than the log it came from has keys that were revoked or replaced since, as they were: let the events
-- behind a position, which were written back, end them once more. Merchants come back too; a new key does not, as no event
-- has its hash.
CREATE FUNCTION event_store.follow_access(after_position bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
    INSERT INTO access.merchants (merchant_id, name, created_at)
    SELECT e.data->>'merchant_id', e.data->>'name', e.recorded_at
      FROM event_store.events e
     WHERE e.position > after_position AND e.category = 'access' AND e.type = 'access.merchant_created'
     ORDER BY e.position
        ON CONFLICT DO NOTHING;
    UPDATE access.api_keys k
       SET revoked_at = e.recorded_at
      FROM event_store.events e
     WHERE e.position > after_position AND e.category = 'access' AND e.type = 'access.key_revoked'
       AND k.key_id = e.stream_id AND k.revoked_at IS NULL;
    UPDATE access.api_keys k
       SET expires_at = least(k.expires_at, r.expires_at)
      FROM (SELECT e.stream_id, min(to_timestamp((e.data->>'expires_at')::bigint)) AS expires_at
              FROM event_store.events e
             WHERE e.position > after_position AND e.category = 'access' AND e.type = 'access.key_rotated'
             GROUP BY e.stream_id) r
     WHERE k.key_id = r.stream_id AND k.expires_at IS DISTINCT FROM least(k.expires_at, r.expires_at);
$$;
REVOKE ALL ON FUNCTION event_store.follow_access(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION event_store.follow_access(bigint) TO paystream_relay;
