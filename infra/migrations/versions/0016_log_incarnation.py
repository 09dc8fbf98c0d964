"""Which PostgreSQL the log is written on, how it is compared with Kafka after a failover, and a stricter append."""

from infra.migrations.sql_files import run_sql_file

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0016_log_incarnation.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0016_log_incarnation.down.sql")
