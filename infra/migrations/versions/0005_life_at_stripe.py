"""The read model shows disputes, the end of holds, customers and statement descriptors."""

from infra.migrations.sql_files import run_sql_file

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0005_life_at_stripe.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0005_life_at_stripe.down.sql")
