"""What auditors ask of the log: what people did, and what was erased."""

from infra.migrations.indexes import Index, build_partitioned_indexes
from infra.migrations.sql_files import run_sql_file

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

_NAME = "substring(metadata->>'actor' from '^(?:operator:|api:[^/]+/)(.+)$')"


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0051_audit_reads.up.sql")
    build_partitioned_indexes(
        [
            Index("event_store", "events", "events_of_staff", f"(position) WHERE {_NAME} IS NOT NULL"),
            Index("event_store", "events", "events_by_staff", f"(({_NAME}), position) WHERE {_NAME} IS NOT NULL"),
            Index("event_store", "events", "events_erasures", "(position) WHERE type = 'privacy.user_erased'"),
        ]
    )


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0051_audit_reads.down.sql")
