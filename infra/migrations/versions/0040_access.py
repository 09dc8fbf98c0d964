"""Merchants, API keys, and whose an id of Stripe is."""

from infra.migrations.sql_files import run_sql_file

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0040_access.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0040_access.down.sql")
