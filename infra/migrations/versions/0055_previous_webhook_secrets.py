"""Every secret of a webhook endpoint that was replaced signs until its own overlap is over."""

from infra.migrations.sql_files import run_sql_file

revision = "0055"
down_revision = "0054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0055_previous_webhook_secrets.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0055_previous_webhook_secrets.down.sql")
