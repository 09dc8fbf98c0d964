"""How far a list was read when its listing began; what the ledger knows of Stripe's row, and of what was converted."""

from infra.migrations.sql_files import run_sql_file

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0014_reconciliation_closer.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0014_reconciliation_closer.down.sql")
