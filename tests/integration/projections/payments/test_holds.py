"""The metrics of holds that end soon and of disputes to answer, from a real read model."""

import time
from pathlib import Path

import psycopg
import pytest

from domain.ids import StripeChargeId, StripeIntentId
from domain.payment.commands import PaymentCommand
from domain.payment.observations import RecordAuthorized, RecordCanceled
from domain.payment.values import CaptureMethod, DisputeStatus
from event_store.store import Connection as AppConnection
from infra.postgres.pool import Pool
from infra.postgres.queries import Queries
from projections.payments import holds
from projections.payments.holds import DISPUTES, EVIDENCE_DUE, EXPIRING, OPEN, count_holds, watched_holds
from tests.support.database import Database
from tests.support.payment_histories import disputed, events_of, paid, request_payment
from tests.support.read_model import load_log, project_log, store
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

HOUR = 3600


def held(ends_in_s: int) -> list[PaymentCommand]:
    request = request_payment(capture_method=CaptureMethod.MANUAL)
    capture_before = int(time.time()) + ends_in_s
    return [
        request,
        RecordAuthorized(
            intent_id=StripeIntentId("pi_1"),
            amount=request.amount,
            charge_id=StripeChargeId("ch_1"),
            capture_before=capture_before,
        ),
    ]


async def test_holds_are_counted_until_they_are_over(app: AppConnection, pool: Pool) -> None:
    canceled = [*held(2 * HOUR), RecordCanceled(intent_id=StripeIntentId("pi_1"), reason="expired")]
    streams = [events_of(each) for each in (held(100 * HOUR), held(23 * HOUR), held(-HOUR), canceled)]
    await store(app, [(events[0].payment_id, events) for events in streams])  # type: ignore[union-attr]
    await project_log(pool, await load_log(app))

    async def counted() -> tuple[float, float]:
        return OPEN._value.get(), EXPIRING.labels("24h")._value.get()

    async with watched_holds(pool):
        await eventually(counted, lambda found: found == (3, 2))


def contested(due_in_s: int | None, *statuses: DisputeStatus) -> list[PaymentCommand]:
    request = request_payment()
    due_by = None if due_in_s is None else int(time.time()) + due_in_s
    return [
        *paid(request),
        *(
            disputed("du_1", f"ch_{request.payment_id.hex}", request.amount, status=each, evidence_due_by=due_by)
            for each in statuses
        ),
    ]


async def test_disputes_are_counted_until_they_are_answered(app: AppConnection, pool: Pool, database: Database) -> None:
    needs, inquiry = DisputeStatus.NEEDS_RESPONSE, DisputeStatus.WARNING_NEEDS_RESPONSE
    histories = (
        contested(100 * HOUR, needs),
        contested(71 * HOUR, needs),
        contested(HOUR, inquiry),
        contested(-HOUR, needs),  # overdue, and nobody noticed
        contested(None, needs),  # no answer is possible
        contested(HOUR, needs, DisputeStatus.UNDER_REVIEW),
        contested(HOUR, needs, DisputeStatus.LOST),
        paid(request_payment()),
    )
    streams = [events_of(each) for each in histories]
    await store(app, [(events[0].payment_id, events) for events in streams])  # type: ignore[union-attr]
    await project_log(pool, await load_log(app))
    await count_holds(pool)
    assert (DISPUTES._value.get(), EVIDENCE_DUE.labels("72h")._value.get()) == (4, 3)
    await _assert_reads_what_is_open_alone(database)


async def _assert_reads_what_is_open_alone(database: Database) -> None:
    """The count costs what is open: it reads an index that has nothing else."""
    query = Queries.load(Path(holds.__file__).with_name("read.sql")).count_disputes
    async with await psycopg.AsyncConnection.connect(database.url("projector")) as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        rows = await (await connection.execute("EXPLAIN " + query, {"within_s": 1})).fetchall()
    assert "payments_disputes_to_answer" in str(rows)
