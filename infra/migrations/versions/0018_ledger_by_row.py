"""The ledger knows each of Stripe's rows, and what a refund posts once Stripe's row of it is known."""

from infra.migrations.sql_files import run_sql_file

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0018_ledger_by_row.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0018_ledger_by_row.down.sql")
