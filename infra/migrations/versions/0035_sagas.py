"""Sagas: which are on their way, when each is due, and whom they concern."""

from infra.migrations.sql_files import run_sql_file

revision = "0035"
down_revision = "0029"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0035_sagas.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0035_sagas.down.sql")
