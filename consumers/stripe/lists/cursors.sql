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
