"""Whether an append is possible can be tried, without leaving anything."""

from infra.migrations.sql_files import run_sql_file

revision = "0059"
down_revision = "0058"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0059_try_append.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0059_try_append.down.sql")
