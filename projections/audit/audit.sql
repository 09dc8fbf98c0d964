-- name: streams_after
-- The next streams by id, as the table of streams has them.
SELECT stream_id, category, merchant_id, version, first_position, last_position
  FROM event_store.streams
 WHERE stream_id > %(after)s
 ORDER BY stream_id LIMIT %(limit)s;

-- name: streams_without_events
-- Streams that are in the log and not in the table of streams.
SELECT DISTINCT e.stream_id FROM event_store.events e
 WHERE NOT EXISTS (SELECT FROM event_store.streams s WHERE s.stream_id = e.stream_id)
 LIMIT %(limit)s;

-- name: requests_without_task
-- Of these events those for which no task is there.
SELECT event_id FROM unnest(%(event_ids)s::uuid[]) AS request(event_id)
 WHERE NOT EXISTS (SELECT FROM consumers.gateway_tasks t WHERE t.event_id = request.event_id);

-- name: gateway_positions
-- Up to which position the gateway has taken the events of each partition.
SELECT partition, position FROM consumers.consumer_checkpoints WHERE consumer = 'stripe-gateway' AND topic = %(topic)s;

-- name: unbalanced_entries
-- Entries of the ledger whose sides differ in a currency.
SELECT position, currency, sum(amount)::bigint
  FROM read_model.ledger_lines
 GROUP BY position, number, currency
HAVING sum(amount) <> 0
 ORDER BY position
 LIMIT %(limit)s;

-- name: wrong_days
-- Days whose sums are not those of their lines.
SELECT coalesce(d.day, l.day), coalesce(d.account, l.account), coalesce(d.currency, l.currency),
       coalesce(d.debit - d.credit, 0)::bigint, coalesce(l.amount, 0)::bigint
  FROM read_model.ledger_days d
  FULL JOIN (SELECT (at AT TIME ZONE 'UTC')::date AS day, account, currency, sum(amount) AS amount
               FROM read_model.ledger_lines GROUP BY 1, 2, 3) l USING (day, account, currency)
 WHERE coalesce(d.debit - d.credit, 0) <> coalesce(l.amount, 0)
 LIMIT %(limit)s;

-- name: wrong_merchant_days
-- Days of a merchant whose sums are not those of the lines of its entries.
SELECT coalesce(d.day, l.day), coalesce(d.account, l.account), coalesce(d.currency, l.currency),
       coalesce(d.debit - d.credit, 0)::bigint, coalesce(l.amount, 0)::bigint, coalesce(d.merchant_id, l.merchant_id)
  FROM read_model.ledger_merchant_days d
  FULL JOIN (SELECT e.merchant_id, (e.at AT TIME ZONE 'UTC')::date AS day, x.account, x.currency, sum(x.amount) AS amount
               FROM read_model.ledger_entries e JOIN read_model.ledger_lines x USING (position, number)
              WHERE e.merchant_id IS NOT NULL
              GROUP BY 1, 2, 3, 4) l USING (merchant_id, day, account, currency)
 WHERE coalesce(d.debit - d.credit, 0) <> coalesce(l.amount, 0)
 LIMIT %(limit)s;

-- name: projection_positions
-- How far each projection has come in each partition.
SELECT consumer, topic, partition, position FROM consumers.consumer_checkpoints WHERE starts_with(consumer, %(prefix)s);
