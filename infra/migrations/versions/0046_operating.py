"""What alerts need to see: who follows the database, and which disputes wait for evidence."""

from infra.migrations.indexes import Index, build_indexes
from infra.migrations.sql_files import run_sql_file

revision = "0046"
down_revision = "0044"
branch_labels = None
depends_on = None

_TO_ANSWER = "(payment_id) WHERE dispute ->> 'status' IN ('needs_response', 'warning_needs_response')"


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0046_operating.up.sql")
    build_indexes([Index("read_model", "payments", "payments_disputes_to_answer", _TO_ANSWER)])


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0046_operating.down.sql")
