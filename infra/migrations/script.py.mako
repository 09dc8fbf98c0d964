"""${message}."""

from infra.migrations.sql_files import run_sql_file

revision = "${up_revision}"
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("${up_revision}_${slug}.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("${up_revision}_${slug}.down.sql")
