"""Signatures of witnesses under the checkpoints of the log."""

from infra.migrations.sql_files import run_sql_file

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0043_cosignatures.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0043_cosignatures.down.sql")
