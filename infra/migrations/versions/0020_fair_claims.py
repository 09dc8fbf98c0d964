"""Blocked tasks out of the way of claims, merchants that take turns, and the dead letters of the relay."""

from infra.migrations.sql_files import run_sql_file

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0020_fair_claims.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0020_fair_claims.down.sql")
