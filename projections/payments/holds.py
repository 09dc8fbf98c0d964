"""Metrics of what somebody has to do about payments: capture what is held, answer disputes, look at contradictions."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog
from prometheus_client import Gauge
from psycopg.rows import tuple_row

from infra.kafka.consumer.retry_policy import is_transient
from infra.postgres.pool import Pool
from infra.postgres.queries import Queries

log = structlog.get_logger(__name__)

OPEN = Gauge("authorizations_open", "Payments whose money is held")
EXPIRING = Gauge(
    "authorizations_expiring", "Payments whose hold ends within this time, or has ended unnoticed", ["within"]
)
CONTRADICTED = Gauge(
    "payments_contradicted", "Payments of which Stripe says what contradicts the log, and nobody accepted that"
)
DISPUTES = Gauge("disputes_to_answer", "Payments whose dispute waits for our evidence")
EVIDENCE_DUE = Gauge(
    "dispute_evidence_due",
    "Of those, the ones whose evidence is due within this time, or was overdue unnoticed",
    ["within"],
)

_SQL = Queries.load(Path(__file__).with_name("read.sql"))
_SOON_S = 24 * 3600.0
_EVIDENCE_SOON_S = 3 * 24 * 3600.0
_EVERY_S = 30.0


@asynccontextmanager
async def watched_holds(pool: Pool, *, every_s: float = _EVERY_S) -> AsyncIterator[None]:
    """Count holds periodically while the block runs. Every projector reports the same numbers: do not add them up."""
    watching = asyncio.create_task(_watch(pool, every_s))
    try:
        yield
    finally:
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


async def count_holds(pool: Pool) -> None:
    """Set the gauges. Raises psycopg.OperationalError while the database is away."""
    async with pool.connection() as conn, conn.cursor(row_factory=tuple_row) as cursor:
        await cursor.execute(_SQL.count_holds, {"within_s": _SOON_S})
        row = await cursor.fetchone()
        await cursor.execute(_SQL.count_contradicted)
        contradicted = await cursor.fetchone()
        await cursor.execute(_SQL.count_disputes, {"within_s": _EVIDENCE_SOON_S})
        disputes = await cursor.fetchone()
    assert row is not None
    assert contradicted is not None
    assert disputes is not None
    DISPUTES.set(disputes[0])
    EVIDENCE_DUE.labels("72h").set(disputes[1])
    CONTRADICTED.set(contradicted[0])
    OPEN.set(row[0])
    EXPIRING.labels("24h").set(row[1])


async def _watch(pool: Pool, every_s: float) -> None:
    while True:
        try:
            await count_holds(pool)
        except Exception as error:
            if not is_transient(error):
                log.exception("holds_not_counted")
        await asyncio.sleep(every_s)
