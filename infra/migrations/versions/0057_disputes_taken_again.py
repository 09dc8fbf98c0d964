"""The ledger knows how often a dispute's amount moved."""

from infra.migrations.sql_files import run_sql_file

revision = "0057"
down_revision = "0056"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0057_disputes_taken_again.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0057_disputes_taken_again.down.sql")
