"""The double-entry ledger."""

from infra.migrations.sql_files import run_sql_file

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0008_ledger.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0008_ledger.down.sql")
