"""Settings of the login roles, for processes behind a pooler that keeps none of a session."""

from infra.migrations.sql_files import run_sql_file

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0041_login_settings.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0041_login_settings.down.sql")
