"""What operators do over HTTP: keys of theirs that name who acts, and the circuit breakers of each process."""

from infra.migrations.sql_files import run_sql_file

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0050_operating_over_http.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0050_operating_over_http.down.sql")
