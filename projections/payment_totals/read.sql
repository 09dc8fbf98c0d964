-- name: days
-- A merchant's totals by day of a time zone, status and refusal_code. The bounds only narrow: a midnight that comes twice is
-- one moment to AT TIME ZONE, and the later one.
SELECT (quarter AT TIME ZONE %(time_zone)s)::date AS date, currency, status, refusal_code,
       sum(payments)::bigint AS payments, sum(amount)::bigint AS amount
  FROM read_model.payment_totals
 WHERE merchant_id = %(merchant_id)s
   AND quarter >= (%(date_from)s::date - 1)::timestamp AT TIME ZONE %(time_zone)s
   AND quarter < (%(date_to)s::date + 2)::timestamp AT TIME ZONE %(time_zone)s
   AND (quarter AT TIME ZONE %(time_zone)s)::date BETWEEN %(date_from)s::date AND %(date_to)s::date
   AND (%(currency)s::text IS NULL OR currency = %(currency)s::text)
 GROUP BY 1, 2, 3, 4
 ORDER BY 1, 2, 3, 4
