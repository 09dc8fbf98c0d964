"""Nobody keeps a right that no process uses."""

from infra.migrations.sql_files import run_sql_file

revision = "0060"
down_revision = "0059"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0060_least_privileges.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0060_least_privileges.down.sql")
