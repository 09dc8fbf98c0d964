"""How far the sweeper has read Stripe's events."""

from infra.migrations.sql_files import run_sql_file

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0013_missed_events.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0013_missed_events.down.sql")
