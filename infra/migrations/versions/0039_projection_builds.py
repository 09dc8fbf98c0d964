"""Rebuilds of projections."""

from infra.migrations.sql_files import run_sql_file

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0039_projection_builds.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0039_projection_builds.down.sql")
