"""How far the sweeper has seen that what was asked for has its task."""

from infra.migrations.sql_files import run_sql_file

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0017_watched_requests.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0017_watched_requests.down.sql")
