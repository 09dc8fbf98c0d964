"""Nobody reads what no process of theirs reads."""

from infra.migrations.sql_files import run_sql_file

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0061_least_reading.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0061_least_reading.down.sql")
