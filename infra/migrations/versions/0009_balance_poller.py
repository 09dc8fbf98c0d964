"""How far Stripe's balance has been read."""

from infra.migrations.sql_files import run_sql_file

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0009_balance_poller.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0009_balance_poller.down.sql")
