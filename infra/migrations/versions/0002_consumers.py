"""Consumer checkpoints and the Stripe gateway's tasks."""

from infra.migrations.sql_files import run_sql_file

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0002_consumers.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0002_consumers.down.sql")
