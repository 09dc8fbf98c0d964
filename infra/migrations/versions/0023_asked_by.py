"""Who asked for a payment to be read at Stripe again, beside the correlation id, which a client may have chosen."""

from infra.migrations.sql_files import run_sql_file

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0023_asked_by.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0023_asked_by.down.sql")
