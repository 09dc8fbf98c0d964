"""Up to where the read model of payments is whole."""

from infra.migrations.sql_files import run_sql_file

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0022_watermark.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0022_watermark.down.sql")
