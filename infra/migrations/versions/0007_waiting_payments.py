"""Which payments wait for something at Stripe, for the sweeper."""

from infra.migrations.sql_files import run_sql_file

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0007_waiting_payments.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0007_waiting_payments.down.sql")
