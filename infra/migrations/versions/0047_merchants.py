"""What is of a merchant in ledger and discrepancies; and keys that ended, in a log that was restored, stay so."""

from infra.migrations.sql_files import run_sql_file

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0047_merchants.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0047_merchants.down.sql")
