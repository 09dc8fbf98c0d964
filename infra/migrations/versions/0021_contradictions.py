"""What Stripe says against a payment's log, in its row of the read model."""

from infra.migrations.indexes import Index, build_indexes
from infra.migrations.sql_files import run_sql_file

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0021_contradictions.up.sql")
    where = "(payment_id) WHERE contradictions <> '[]'::jsonb"
    build_indexes([Index("read_model", "payments", "payments_contradicted", where)])


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0021_contradictions.down.sql")
