"""The event log, its append function and the roles."""

from infra.migrations.sql_files import run_sql_file

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0001_event_store.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0001_event_store.down.sql")
