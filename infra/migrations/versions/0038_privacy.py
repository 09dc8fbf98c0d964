"""The keys of personal data, and what removes what is not needed any more."""

from infra.migrations.indexes import Index, build_indexes
from infra.migrations.sql_files import run_sql_file

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0038_privacy.up.sql")
    # BRIN: rows come in the order of their age, and each insert costs next to nothing.
    build_indexes(
        [
            Index("event_store", "idempotency_keys", "idempotency_keys_by_age", "USING brin (created_at)"),
            Index("consumers", "gateway_tasks", "gateway_tasks_by_age", "USING brin (created_at)"),
        ]
    )


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0038_privacy.down.sql")
