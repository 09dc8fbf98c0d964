"""Who of the staff is locked."""

from infra.migrations.sql_files import run_sql_file

revision = "0054"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0054_staff_locks.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0054_staff_locks.down.sql")
