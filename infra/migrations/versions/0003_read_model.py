"""The read model: tables that projections write and the query API reads."""

from infra.migrations.sql_files import run_sql_file

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0003_read_model.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0003_read_model.down.sql")
