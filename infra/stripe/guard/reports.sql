-- name: report
-- What the breakers of a process say now. What was not heard of in a day goes: its process ended without a word.
WITH gone AS (
    DELETE FROM consumers.circuit_breakers
     WHERE seen_at < clock_timestamp() - interval '1 day'
        OR process = %(process)s AND breaker <> ALL (%(breakers)s::text[])
)
INSERT INTO consumers.circuit_breakers AS b (process, breaker, state, since)
SELECT %(process)s, reported.breaker, reported.state, reported.since
  FROM unnest(%(breakers)s::text[], %(states)s::text[], %(since)s::timestamptz[]) AS reported(breaker, state, since)
ON CONFLICT (process, breaker) DO UPDATE
   SET state = excluded.state, since = excluded.since, seen_at = clock_timestamp();

-- name: withdraw
-- A process ends: its breakers are no more.
DELETE FROM consumers.circuit_breakers WHERE process = %(process)s;
