-- name: forget_answers
-- Remove stored answers that nobody will ask for any more; how many (see event_store.forget_answers in migration 0038).
SELECT event_store.forget_answers(make_interval(days => %(days)s), %(most)s);

-- name: forget_tasks
-- Remove tasks that ended long ago; how many.
SELECT consumers.forget_tasks(make_interval(days => %(days)s), %(most)s);

-- name: expire_keys
-- Remove keys of what Stripe told long ago; which.
SELECT privacy.expire_keys(make_interval(days => %(days)s), %(most)s);
