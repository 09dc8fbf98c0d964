-- name: cursor
-- Where a list is.
SELECT revision, watermark, listing_from, listing_after, listing_newest, listing_began_at, now() AS loaded_at
  FROM consumers.balance_cursors
 WHERE list = %(list)s;

-- name: move
-- Move it on, unless another poller did so since it was read.
UPDATE consumers.balance_cursors
   SET revision = revision + 1, watermark = %(watermark)s, listing_from = %(listing_from)s,
       listing_after = %(listing_after)s, listing_newest = %(listing_newest)s,
       listing_began_at = %(listing_began_at)s, updated_at = now(),
       completed_at = coalesce(%(completed_at)s::timestamptz, completed_at)
 WHERE list = %(list)s AND revision = %(revision)s;

-- name: completed_at
-- Up to when each list is read as a whole.
SELECT list, completed_at FROM consumers.balance_cursors WHERE completed_at IS NOT NULL;

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

-- name: oldest_watched
-- How far back a listing has to reach to see all of them.
SELECT min(created) FROM consumers.watched_payouts;

-- name: count_watched
-- How many there are.
SELECT count(*) FROM consumers.watched_payouts;
