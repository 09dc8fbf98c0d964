"""What Stripe tells of an erased payment gets no new key."""

from infra.migrations.sql_files import run_sql_file

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0052_erased_subjects.up.sql")


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0052_erased_subjects.down.sql")
