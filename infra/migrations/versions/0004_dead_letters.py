"""Dead letters: records that a consumer could not apply, and what waits behind them."""

from infra.migrations.sql_files import run_sql_file

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0004_dead_letters.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0004_dead_letters.down.sql")
