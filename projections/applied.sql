-- name: newest_position
-- The highest position that a projection has applied, over all partitions of its topics; 0 before the first.
SELECT coalesce(max(position), 0) FROM read_model.projection_checkpoints WHERE projection = %(projection)s::text

-- name: is_built
-- False: others have taken of its topic and it has not, as it is new and left out until it is built.
SELECT EXISTS (SELECT FROM read_model.projection_checkpoints WHERE projection = %(projection)s::text)
       OR NOT EXISTS (SELECT FROM read_model.projection_checkpoints WHERE topic = %(topic)s::text)
