"""What the back office shows of money by day: payouts, the ledger's and the payments' totals."""

from infra.migrations.indexes import Index, build_indexes
from infra.migrations.sql_files import run_sql_file

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Apply the step."""
    run_sql_file("0048_back_office_reads.up.sql")
    refusal = "coalesce(last_error->>'decline_code', last_error->>'code')"
    build_indexes(
        [
            Index(
                "read_model",
                "payments",
                "payments_by_refusal",
                f"(merchant_id, ({refusal}), created_at DESC, payment_id DESC) WHERE last_error IS NOT NULL",
            ),
            Index(
                "read_model",
                "payments",
                "payments_ever_disputed",
                "(merchant_id, created_at DESC, payment_id DESC) WHERE dispute IS NOT NULL",
            ),
            Index(
                "read_model",
                "ledger_lines",
                "ledger_lines_account_currency",
                "(account, currency, at DESC, position DESC, number DESC)",
            ),
        ]
    )


def downgrade() -> None:
    """Take the step back."""
    run_sql_file("0048_back_office_reads.down.sql")
