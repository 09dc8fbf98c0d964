"""Rows of Stripe's lists that could not be recorded are remembered by their ids."""

from infra.migrations.sql_files import run_sql_file

revision = "0058"
down_revision = "0057"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0058_rows_left_out.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0058_rows_left_out.down.sql")
