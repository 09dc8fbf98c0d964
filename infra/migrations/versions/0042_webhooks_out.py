"""Webhooks to merchants: their endpoints, and what is delivered to them."""

from infra.migrations.sql_files import run_sql_file

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0042_webhooks_out.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0042_webhooks_out.down.sql")
