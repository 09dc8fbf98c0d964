"""All sessions of somebody end at once, and an erasure takes away what endpoints answered."""

from infra.migrations.sql_files import run_sql_file

revision = "0056"
down_revision = "0055"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0056_sessions_ended_and_answers_erased.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0056_sessions_ended_and_answers_erased.down.sql")
