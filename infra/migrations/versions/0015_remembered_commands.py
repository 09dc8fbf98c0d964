"""A way to remember the answer of a command that appended nothing."""

from infra.migrations.sql_files import run_sql_file

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0015_remembered_commands.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0015_remembered_commands.down.sql")
