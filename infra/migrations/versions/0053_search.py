"""Indexes by which payments are found: by amount, and by the ids of the requests that made their events."""

from infra.migrations.indexes import Index, build_indexes
from infra.migrations.sql_files import run_sql_file

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    build_indexes(
        [
            Index("read_model", "payments", "payments_by_amount", "(merchant_id, amount_cents)"),
            Index(
                "read_model",
                "payment_timeline",
                "payment_timeline_by_request",
                "(merchant_id, request_id, payment_id)",
            ),
            Index(
                "read_model",
                "payment_timeline",
                "payment_timeline_by_correlation",
                "(merchant_id, correlation_id, payment_id)",
            ),
        ]
    )


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0053_search.down.sql")
