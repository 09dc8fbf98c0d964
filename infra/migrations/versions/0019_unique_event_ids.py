"""The unique index of event ids, for the partitions of the log that were made before it."""

from alembic import op

from infra.migrations.indexes import Index, build_indexes

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_PARTITIONS = """
SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
 WHERE i.inhparent = 'event_store.events'::regclass ORDER BY c.relname
"""


def upgrade() -> None:
    """Apply the step: a partition of ten million events takes some ten seconds, and is written meanwhile."""
    partitions = [name for (name,) in op.get_bind().exec_driver_sql(_PARTITIONS)]
    build_indexes(Index("event_store", each, f"{each}_event_id", "(event_id)", unique=True) for each in partitions)


def downgrade() -> None:
    """Take the step back: nothing. 0016 drops the indexes, those of newer partitions included."""
