"""One sweep: which payments are to be read at Stripe, and the tasks for it, in one transaction."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from psycopg.rows import class_row, dict_row

from consumers.sweeper import metrics
from consumers.sweeper.abandoned import WAITS_FOR_CUSTOMER, cancel_abandoned
from consumers.tasks.models import NewRefresh
from consumers.tasks.store import request_refreshes
from domain.ids import MerchantId, PaymentId
from infra.ids import uuid7
from infra.postgres.pool import Connection, Pool
from infra.postgres.queries import Queries

log = structlog.get_logger(__name__)

_SQL = Queries.load(Path(__file__).with_name("sweep.sql"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Overdue:
    """A payment that has waited for too long, and for what."""

    payment_id: PaymentId
    merchant_id: MerchantId
    reason: str
    is_abandoned: bool


async def sweep(pool: Pool, *, wait_s: float, limit: int, abandoned_after_s: float | None = None) -> int | None:
    """Have up to `limit` payments read that have waited for `wait_s` or longer; return how many.

    Those that have waited for their customer for `abandoned_after_s` are given up instead, where they can be.
    None: another sweep is under way in this moment. Any number of sweeps at once ask for each payment once.
    """
    sweep_id = f"sweep-{uuid7()}"
    async with pool.connection() as conn, conn.transaction():
        if not await _is_ours(conn):
            return None
        overdue = await _overdue(conn, wait_s=wait_s, limit=limit, abandoned_after_s=abandoned_after_s)
        await _request(conn, [each for each in overdue if not each.is_abandoned], sweep_id)
    # After the commit: to complete a task locks the payment's stream first, and then the row that was moved here.
    left = [each.payment_id for each in overdue if each.is_abandoned]
    given_up = await cancel_abandoned(pool, left, correlation_id=sweep_id)
    still = [each for each in overdue if each.is_abandoned and each.payment_id not in given_up]
    if still:
        async with pool.connection() as conn, conn.transaction():
            await _request(conn, still, sweep_id)
    reasons = Counter(each.reason for each in overdue if each.payment_id not in given_up)
    for reason, payments in reasons.items():
        metrics.REFRESHES.labels(reason).inc(payments)
    if overdue:
        log.info(
            "sweeper_requested_refreshes",
            correlation_id=sweep_id,
            payments=len(overdue),
            reasons=dict(reasons),
            abandoned=len(given_up),
        )
    return len(overdue)


async def _request(conn: Connection, overdue: Sequence[Overdue], sweep_id: str) -> None:
    if overdue:
        await request_refreshes(
            conn,
            [
                NewRefresh(
                    payment_id=each.payment_id, merchant_id=each.merchant_id, position=0, correlation_id=sweep_id
                )
                for each in overdue
            ],
        )


async def measure(pool: Pool) -> None:
    """Show how many payments wait at Stripe, and for how long."""
    async with pool.connection() as conn, conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(_SQL.count_waiting)
        rows = await cursor.fetchall()
    metrics.WAITING.clear()
    metrics.LONGEST_WAIT_SECONDS.clear()
    for row in rows:
        metrics.WAITING.labels(row["waits_for"]).set(row["payments"])
        metrics.LONGEST_WAIT_SECONDS.labels(row["waits_for"]).set(row["longest_s"])


async def _is_ours(conn: Connection) -> bool:
    cursor = await conn.execute(_SQL.lock_sweep)
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def _overdue(conn: Connection, *, wait_s: float, limit: int, abandoned_after_s: float | None) -> list[Overdue]:
    """Return each payment once. Half of them at most are stuck in a call, so that the others have their turn."""
    async with conn.cursor(row_factory=class_row(Overdue)) as cursor:
        await cursor.execute(_SQL.find_stuck_tasks, {"wait_s": wait_s, "limit": (limit + 1) // 2})
        stuck = await cursor.fetchall()
        await cursor.execute(
            _SQL.take_waiting,
            {
                "wait_s": wait_s,
                "limit": limit - len(stuck),
                "abandoned_after_s": abandoned_after_s,
                "of_customers": sorted(WAITS_FOR_CUSTOMER),
            },
        )
        waiting = await cursor.fetchall()
    return list({each.payment_id: each for each in (*waiting, *stuck)}.values())
