"""Finds requests of clients that have no task, and makes the tasks.

It reads the log itself, and relies neither on Kafka, nor on the relay, the gateway's intake or checkpoints: if one of
them loses an event, the payment, capture, cancellation or refund that was accepted is still carried out. Each position
is looked at once, a while after it was recorded.
"""

from pathlib import Path

import structlog
from psycopg.rows import dict_row

from consumers.gateway.intake import NAME as GATEWAY
from consumers.gateway.intake import REQUESTS, task_of
from consumers.gateway.plan import is_open
from consumers.sweeper import metrics
from consumers.tasks.models import NewTask
from consumers.tasks.store import insert_tasks
from domain.ids import EventId, PaymentId
from domain.payment.errors import BrokenHistory
from domain.payment.events import PaymentConfirmationRequested, PaymentEvent, PaymentRequested
from domain.payment.state import PaymentState
from event_store.payments import LoadedPayment, load_payment
from infra.postgres.pool import Connection, Pool
from infra.postgres.queries import Queries
from schemas.errors import SchemaError
from schemas.events import PAYMENT_CODEC

log = structlog.get_logger(__name__)

_SQL = Queries.load(Path(__file__).with_name("missing_tasks.sql"))
_LOOK_AT = 10_000


async def make_missing_tasks(pool: Pool, *, wait_s: float) -> bool:
    """Look at what was recorded `wait_s` ago and before, and was not looked at; return whether there is more.

    Each missing task is made, logged and counted. Any number of these at once look at each position once.
    """
    async with pool.connection() as conn, conn.transaction():
        row = await (await conn.execute(_SQL.lock_position)).fetchone()
        if row is None:
            return False
        position = int(row[0])
        parameters = {"position": position, "limit": _LOOK_AT, "wait_s": wait_s}
        row = await (await conn.execute(_SQL.last_due_position, parameters)).fetchone()
        if row is None or row[0] is None:
            return False
        until = int(row[0])
        missing = await _missing(conn, position, until)
        if missing:
            await insert_tasks(conn, missing)
        await conn.execute(_SQL.move_position, {"until": until})
    for task in missing:
        metrics.MISSING_TASKS.labels(task.operation).inc()
        log.error(
            "task_was_missing",
            payment_id=str(task.payment_id),
            event_id=str(task.event_id),
            operation=task.operation,
            position=task.position,
            correlation_id=task.correlation_id,
        )
    return until - position >= _LOOK_AT


async def _missing(conn: Connection, position: int, until: int) -> list[NewTask]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        parameters = {"position": position, "until": until, "types": list(REQUESTS), "gateway": GATEWAY}
        await cursor.execute(_SQL.requests_without_task, parameters)
        requested: dict[PaymentId, list[EventId]] = {row["payment_id"]: row["event_ids"] async for row in cursor}
    found: list[NewTask] = []
    for payment_id, event_ids in requested.items():
        try:
            found += _open(await load_payment(conn, payment_id), event_ids)
        except (SchemaError, BrokenHistory) as error:
            # It is a dead letter of the gateway, or of a newer version: what cannot be read is not decided here.
            log.warning("request_without_task_unreadable", payment_id=str(payment_id), error=f"{type(error).__name__}")
    return found


def _waits(requested: PaymentEvent, payment: PaymentState) -> bool:
    match requested:
        case PaymentRequested():
            return payment.intent_id is None and not payment.is_terminal
        case PaymentConfirmationRequested():
            return payment.confirmation_requested and not payment.is_terminal
        case _:
            return is_open(requested, payment)


def _open(payment: LoadedPayment, event_ids: list[EventId]) -> list[NewTask]:
    """Return the tasks of those requests that still wait to be carried out."""
    assert payment.state is not None
    tasks = []
    for event in payment.events:
        if event.event_id in event_ids and _waits(PAYMENT_CODEC.decode(event), payment.state):
            task = task_of(event)
            assert task is not None, "a request asks for a task"
            tasks.append(task)
    return tasks
