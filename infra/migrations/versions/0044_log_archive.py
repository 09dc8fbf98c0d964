"""Archived partitions of the log, and what retention removed of the timelines of payments."""

from infra.migrations.sql_files import run_sql_file

revision = "0044"
down_revision = "0043"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0044_log_archive.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0044_log_archive.down.sql")
