-- name: forget_answers
-- Remove stored answers that nobody will ask for any more; how many (see event_store.forget_answers in migration 0038).
SELECT event_store.forget_answers(make_interval(days => %(days)s), %(most)s);

-- name: forget_tasks
-- Remove tasks that ended long ago; how many.
SELECT consumers.forget_tasks(make_interval(days => %(days)s), %(most)s);

-- name: expire_keys
-- Remove keys of what Stripe told long ago; which.
SELECT privacy.expire_keys(make_interval(days => %(days)s), %(most)s);

-- name: forget_timelines
-- Remove timelines of payments that ended long ago, of those that have rows behind a position; how many rows, and up to where it
-- has looked (see read_model.forget_timelines in migration 0044).
SELECT removed, looked_up_to FROM read_model.forget_timelines(make_interval(days => %(days)s), %(after)s, %(most)s);
