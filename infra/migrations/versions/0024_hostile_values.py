"""What the log takes for an event, how far ahead partitions are made, and no large objects."""

from infra.migrations.sql_files import run_sql_file

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0024_hostile_values.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0024_hostile_values.down.sql")
