-- name: remember
-- Rows of a list that could not be recorded, now or once more; whether each is remembered for the first time.
INSERT INTO consumers.stripe_rows_left_out (list, stripe_id)
SELECT %(list)s, stripe_id FROM unnest(%(stripe_ids)s::text[]) AS stripe_id ORDER BY stripe_id
ON CONFLICT (list, stripe_id) DO UPDATE SET tried_at = clock_timestamp()
RETURNING xmax = 0;

-- name: due
-- Those that were not tried for a while, that tried longest ago first.
SELECT stripe_id
  FROM consumers.stripe_rows_left_out
 WHERE list = %(list)s AND tried_at <= clock_timestamp() - %(pause_s)s * interval '1 second'
 ORDER BY tried_at, stripe_id
 LIMIT %(limit)s;

-- name: lock
-- One of them, until the transaction ends.
SELECT 1 FROM consumers.stripe_rows_left_out WHERE list = %(list)s AND stripe_id = %(stripe_id)s FOR UPDATE;

-- name: forget
-- One that is recorded, or that Stripe has no more.
DELETE FROM consumers.stripe_rows_left_out WHERE list = %(list)s AND stripe_id = %(stripe_id)s;
