"""Checkpoints of the sealed log."""

from infra.migrations.sql_files import run_sql_file

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0037_event_proofs.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0037_event_proofs.down.sql")
