-- name: watch
-- Look at payouts again in later listings.
INSERT INTO consumers.watched_payouts AS w (payout_id, created, watch_until)
SELECT payout_id, created, watch_until
  FROM unnest(%(payout_ids)s::text[], %(created)s::bigint[], %(watch_until)s::timestamptz[])
       AS n(payout_id, created, watch_until)
 ORDER BY payout_id
ON CONFLICT (payout_id) DO UPDATE SET watch_until = EXCLUDED.watch_until WHERE w.watch_until <> EXCLUDED.watch_until;

-- name: stop_watching
-- Their status is final.
DELETE FROM consumers.watched_payouts WHERE payout_id = ANY(%(payout_ids)s::text[]);

-- name: stop_watching_old
-- Paid so long ago that no bank sends them back any more.
DELETE FROM consumers.watched_payouts WHERE watch_until < now();

-- name: oldest
-- How far back a listing has to reach to see all of them.
SELECT min(created) FROM consumers.watched_payouts;

-- name: count
-- How many there are.
SELECT count(*) FROM consumers.watched_payouts;
