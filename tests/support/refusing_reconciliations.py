"""A desk for reconciliations without a database: it can only refuse."""

from datetime import UTC, datetime

from command_api.reconciliations.service import ReconciliationService
from infra.postgres.pool import create_pool


def a_refusing_service() -> ReconciliationService:
    pool = create_pool("postgresql://127.0.0.1:9/nowhere", size=1, name="nowhere")
    return ReconciliationService(
        pool=pool, time_zone="Asia/Tokyo", timeout_s=0.1, now=lambda: datetime(2026, 3, 10, 20, tzinfo=UTC)
    )
