"""Whose payment intent it is, and payments that are to be read at Stripe again."""

from infra.migrations.sql_files import run_sql_file

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0006_payment_intents.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0006_payment_intents.down.sql")
