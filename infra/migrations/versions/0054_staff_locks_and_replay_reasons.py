"""Who of the staff is locked, and why dead letters are replayed."""

from infra.migrations.sql_files import run_sql_file

revision = "0054"
down_revision = "0053"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0054_staff_locks_and_replay_reasons.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0054_staff_locks_and_replay_reasons.down.sql")
