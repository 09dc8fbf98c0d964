"""A cursor for the events that no webhook endpoint has taken."""

from infra.migrations.sql_files import run_sql_file

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0028_undelivered_events.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0028_undelivered_events.down.sql")
