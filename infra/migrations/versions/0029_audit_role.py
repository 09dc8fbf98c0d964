"""The role of those who audit."""

from infra.migrations.sql_files import run_sql_file

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0029_audit_role.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0029_audit_role.down.sql")
