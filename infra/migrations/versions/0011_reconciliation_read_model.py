"""What the query API shows of reconciliations."""

from infra.migrations.sql_files import run_sql_file

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0011_reconciliation_read_model.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0011_reconciliation_read_model.down.sql")
