-- name: versions
-- The newest version that the timeline has, or had until retention removed it, of each payment that a batch touches; payments
-- without one are left out.
SELECT touched.payment_id, newest.version
  FROM unnest(%(payment_ids)b::uuid[]) AS touched(payment_id),
       LATERAL (SELECT greatest((SELECT t.version FROM read_model.payment_timeline t
                                  WHERE t.payment_id = touched.payment_id ORDER BY t.version DESC LIMIT 1),
                                (SELECT r.version FROM read_model.payment_timeline_removed r
                                  WHERE r.payment_id = touched.payment_id)) AS version) AS newest
 WHERE newest.version IS NOT NULL;

-- name: insert
-- A batch's events, each an array of the columns in this order: JSON objects, with the names in each of them, take PostgreSQL
-- a fifth longer. One that is there already is an error: the checkpoint lets each in once.
INSERT INTO read_model.payment_timeline
      (payment_id, version, position, merchant_id, type, at, actor, request_id, correlation_id, data)
SELECT (n.row->>0)::uuid, (n.row->>1)::bigint, (n.row->>2)::bigint, n.row->>3, n.row->>4, (n.row->>5)::timestamptz,
       n.row->>6, n.row->>7, n.row->>8, n.row->9
  FROM jsonb_array_elements(%(rows)s::jsonb) AS n(row);

-- name: first_rows
-- What the first event of some payments says.
SELECT payment_id, data::text FROM read_model.payment_timeline
 WHERE payment_id = ANY(%(payment_ids)b::uuid[]) AND version = 1;

-- name: save_first_rows
-- The same without what was erased of it.
UPDATE read_model.payment_timeline t
   SET data = n.data
  FROM jsonb_to_recordset(%(rows)s::jsonb) AS n(payment_id uuid, data jsonb)
 WHERE t.payment_id = n.payment_id AND t.version = 1;

-- name: timelines
-- The whole timeline of some payments, for its comparison with the event store.
SELECT payment_id, version, position, merchant_id, type, at, actor, request_id, correlation_id, data::text AS data
  FROM read_model.payment_timeline
 WHERE payment_id = ANY(%(payment_ids)b::uuid[])
 ORDER BY payment_id, version;

-- name: removed
-- Up to which version retention has removed the timelines of some payments.
SELECT payment_id, version FROM read_model.payment_timeline_removed WHERE payment_id = ANY(%(payment_ids)b::uuid[]);
