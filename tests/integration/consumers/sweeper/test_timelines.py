"""Timelines of payments that were kept long enough, and all that looks at timelines."""

import random
from collections.abc import AsyncIterator, Sequence
from typing import LiteralString

import psycopg
import pytest
import pytest_asyncio

from consumers.sweeper.retention import Retention, RetentionRules
from domain.ids import PaymentId, RefundId
from domain.money import Money
from domain.payment.events import PaymentEvent
from event_store.appends import Append, Appended
from event_store.store import Connection, append
from infra.ids import uuid7
from infra.postgres.pool import Plans, Pool, create_pool
from projections.watermark.advance import Watermark
from schemas.events import PAYMENT_CODEC
from tests.support.database import Database
from tests.support.log_entries import metadata
from tests.support.payment_histories import events_of, paid, refunded, request_payment
from tests.support.read_model import store
from tests.support.rebuilds import PARTITIONS, LogProjector, nothing_differs, rebuilt, rows_of

pytestmark = pytest.mark.integration

RULES = RetentionRules(answers_days=0, tasks_days=0, stripe_bodies_days=0, timeline_days=365)
USD_3 = Money(amount_cents=300, currency="USD")
MARK = "SELECT position, generation FROM consumers.payments_watermark"


@pytest_asyncio.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    async with create_pool(database.url("app"), size=2, name="test", plans=Plans.AT_EACH_CALL) as opened:
        yield opened


@pytest_asyncio.fixture
async def owner(database: Database) -> AsyncIterator[Connection]:
    async with await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as connection:
        yield connection


@pytest_asyncio.fixture
async def projector(database: Database, owner: Connection) -> AsyncIterator[LogProjector]:
    async with create_pool(database.url("projector"), size=2, name="projector-test") as opened:
        yield LogProjector(opened, owner)


async def recorded(
    app: Connection, owner: Connection, events: Sequence[PaymentEvent], *, days_ago: int = 0
) -> PaymentId:
    payment_id = PaymentId(uuid7())
    await store(app, [(payment_id, events)])
    await owner.execute("ALTER TABLE event_store.events DISABLE TRIGGER USER")
    await owner.execute(
        "UPDATE event_store.events SET recorded_at = recorded_at - make_interval(days => %s) WHERE stream_id = %s",
        [days_ago, payment_id],
    )
    await owner.execute("ALTER TABLE event_store.events ENABLE TRIGGER USER")
    return payment_id


async def remove(pool: Pool, rules: RetentionRules = RULES, *, part: int = 3) -> None:
    await Retention(pool, rules, part=part).remove(go_on=lambda: True)


async def timelines(owner: Connection) -> set[PaymentId]:
    rows = await owner.execute("SELECT DISTINCT payment_id FROM read_model.payment_timeline")
    return {row[0] for row in await rows.fetchall()}


async def test_timelines_of_payments_go_when_they_ended_long_ago(
    app: Connection, owner: Connection, pool: Pool, projector: LogProjector
) -> None:
    charged = events_of(paid(request_payment()))
    pending = events_of([*paid(request_payment()), *refunded(RefundId(uuid7()), USD_3)])[:-1]
    gone = {await recorded(app, owner, charged, days_ago=days) for days in (800, 400, 366)}
    kept = {
        await recorded(app, owner, charged[:1], days_ago=400),
        await recorded(app, owner, charged[:2], days_ago=400),
        await recorded(app, owner, pending, days_ago=400),
        await recorded(app, owner, charged, days_ago=364),
        await recorded(app, owner, charged),
    }
    await projector.catch_up()

    await remove(pool)

    assert await timelines(owner) == kept
    rows = await owner.execute("SELECT payment_id, version FROM read_model.payment_timeline_removed")
    assert dict(await rows.fetchall()) == dict.fromkeys(gone, len(charged))
    assert await nothing_differs(owner)
    await remove(pool)
    assert await timelines(owner) == kept
    await remove(pool, RetentionRules(answers_days=0, tasks_days=0, stripe_bodies_days=0))
    assert await timelines(owner) == kept


async def test_a_refund_after_all_is_projected_and_goes_in_its_time(
    app: Connection, owner: Connection, pool: Pool, projector: LogProjector
) -> None:
    refund = refunded(RefundId(uuid7()), USD_3)
    request = request_payment()
    charged, all_events = events_of(paid(request)), events_of([*paid(request), *refund])
    payment_id = await recorded(app, owner, charged, days_ago=400)
    await projector.catch_up()
    await remove(pool)
    assert await timelines(owner) == set()

    later = all_events[len(charged) :]
    (result,) = await append(
        app,
        [Append.of(PAYMENT_CODEC, later, stream_id=payment_id, expected_version=len(charged), metadata=metadata())],
    )
    assert isinstance(result, Appended)
    await app.commit()
    await projector.catch_up()

    assert await timelines(owner) == {payment_id}
    assert await nothing_differs(owner)
    await remove(pool)
    assert await timelines(owner) == {payment_id}


async def test_a_rebuild_brings_timelines_back_until_the_next_time(
    database: Database, app: Connection, owner: Connection, pool: Pool, projector: LogProjector
) -> None:
    charged = events_of(paid(request_payment()))
    ids = {await recorded(app, owner, charged, days_ago=400) for _ in range(4)}
    await projector.catch_up()
    before = await rows_of(owner, "payment_timeline")
    await remove(pool)
    assert await timelines(owner) == set()

    await rebuilt(database, "payment_timeline")

    assert await rows_of(owner, "payment_timeline") == before
    assert await timelines(owner) == ids
    await remove(pool)
    assert await timelines(owner) == set()
    assert await nothing_differs(owner)


@pytest.mark.parametrize("arguments", ["interval '23 hours', 0, 10", "NULL, 0, 10", "interval '9 days', 0, 0"])
async def test_no_role_can_remove_recent_timelines(
    app: Connection, owner: Connection, projector: LogProjector, arguments: LiteralString
) -> None:
    payment_id = await recorded(app, owner, events_of(paid(request_payment())))
    await projector.catch_up()
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        await app.execute(f"SELECT read_model.forget_timelines({arguments})")
    assert await timelines(owner) == {payment_id}


async def test_what_was_removed_otherwise_is_still_a_difference(
    app: Connection, owner: Connection, pool: Pool, projector: LogProjector
) -> None:
    charged = events_of(paid(request_payment()))
    await recorded(app, owner, charged, days_ago=400)
    recent = await recorded(app, owner, charged)
    await projector.catch_up()
    await remove(pool)
    await owner.execute("DELETE FROM read_model.payment_timeline WHERE payment_id = %s AND version = 1", [recent])
    assert not await nothing_differs(owner)


async def test_the_watermark_stays_and_is_proved_anew_without_removed_rows(
    database: Database, app: Connection, owner: Connection, pool: Pool, projector: LogProjector
) -> None:
    rng = random.Random(1)
    charged = events_of(paid(request_payment()))
    for _ in range(3 * PARTITIONS):
        await recorded(app, owner, charged, days_ago=rng.choice([400, 500]))
    await projector.catch_up()
    end = (await (await owner.execute("SELECT max(position) FROM event_store.events")).fetchone() or (0,))[0]
    async with await psycopg.AsyncConnection.connect(database.url("projector"), autocommit=True) as conn:
        await Watermark(partitions=PARTITIONS).advance(conn)
        before = await (await owner.execute(MARK)).fetchone()
        assert before is not None
        assert before[0] == end
        await remove(pool)
        assert await (await owner.execute(MARK)).fetchone() == before, "what was removed had been applied"
        await owner.execute("UPDATE consumers.payments_watermark SET position = 0, epoch = 0")
        await Watermark(partitions=PARTITIONS).advance(conn)
        again = await (await owner.execute(MARK)).fetchone()
        assert again == before
