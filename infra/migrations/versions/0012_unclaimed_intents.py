"""Intents that Stripe told of before we knew that they are ours."""

from infra.migrations.sql_files import run_sql_file

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0012_unclaimed_intents.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0012_unclaimed_intents.down.sql")
