"""What the back office reads: disputes by the time until which evidence is taken, and who looks into a discrepancy."""

from infra.migrations.indexes import Index, build_indexes
from infra.migrations.sql_files import run_sql_file

revision = "0049"
down_revision = "0048"
branch_labels = None
depends_on = None

_KEY = "(merchant_id, (coalesce(dispute->>'evidence_due_by', '~') COLLATE \"C\"), payment_id)"


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0049_back_office.up.sql")
    build_indexes(
        [
            Index("read_model", "payments", "payments_disputes_due", f"{_KEY} WHERE dispute IS NOT NULL"),
            Index(
                "read_model",
                "payments",
                "payments_open_disputes_due",
                f"{_KEY} WHERE dispute IS NOT NULL"
                " AND dispute->>'status' NOT IN ('won', 'lost', 'warning_closed', 'prevented')",
            ),
        ]
    )


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0049_back_office.down.sql")
