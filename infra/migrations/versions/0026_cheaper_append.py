"""An append whose statements are planned once, and that looks into no partition without need."""

from infra.migrations.sql_files import run_sql_file

revision = "0026"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0026_cheaper_append.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0026_cheaper_append.down.sql")
