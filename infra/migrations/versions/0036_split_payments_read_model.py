"""What the query API shows of split payments."""

from infra.migrations.sql_files import run_sql_file

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0036_split_payments_read_model.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0036_split_payments_read_model.down.sql")
