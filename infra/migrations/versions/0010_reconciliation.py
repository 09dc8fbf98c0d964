"""What the reconciliation with Stripe keeps beside the log."""

from infra.migrations.sql_files import run_sql_file

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0010_reconciliation.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0010_reconciliation.down.sql")
