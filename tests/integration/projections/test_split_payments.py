"""The read model of split payments follows the events, however they are cut into batches."""

import random
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from domain.ids import EventId, MerchantId
from domain.split_payment.commands import CancelSplitPayment
from domain.split_payment.decide import decide
from domain.split_payment.events import SplitPaymentEvent
from domain.split_payment.step import step
from projections.errors import MisplacedEvent, VersionGap
from projections.events import DecodedSplitPaymentEvent
from projections.split_payments import read
from projections.split_payments.projection import SplitPayments
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.events import SPLIT_PAYMENT_CODEC
from schemas.http.split_payments import SplitPaymentSummary
from schemas.http.times import timestamp
from tests.support.database import Database
from tests.unit.domain.split_payment.worlds import SPLIT_PAYMENT_ID, Stripe, World, a_split_request

pytestmark = pytest.mark.integration

MERCHANT = MerchantId("merchant_1")
META = EventMetadata(correlation_id="c", actor="sagas", merchant_id=MERCHANT)
AT = datetime(2026, 5, 1, tzinfo=UTC)


def a_life() -> list[SplitPaymentEvent]:
    """A split payment whose second leg is declined, and that is canceled."""
    world = World.of(2, Stripe(declines=1))
    events: list[SplitPaymentEvent] = list(decide(None, a_split_request(2)))

    def stepped(world: World) -> World:
        events.extend(step(world.state, world.legs, world.now).events)
        return world.stepped()

    world = stepped(world)
    world = stepped(world.moves()["authorized:0"]().moves()["declined:1"]())
    events += decide(world.state, CancelSplitPayment())
    world = stepped(world.commanded(CancelSplitPayment()))
    stepped(world.moves()["canceled:0"]().moves()["canceled:1"]())
    return events


def recorded(events: Sequence[SplitPaymentEvent]) -> list[DecodedSplitPaymentEvent]:
    found = []
    for number, event in enumerate(events, start=1):
        new = SPLIT_PAYMENT_CODEC.encode(event, event_id=EventId(uuid.uuid4()), metadata=META)
        found.append(
            DecodedSplitPaymentEvent.of(
                RecordedEvent(
                    position=10 * number,
                    event_id=new.event_id,
                    stream_id=SPLIT_PAYMENT_ID,
                    version=number,
                    category="split-payment",
                    type=new.type,
                    schema_version=new.schema_version,
                    data=new.data,
                    metadata=META,
                    recorded_at=AT + timedelta(seconds=number),
                )
            )
        )
    return found


async def test_the_row_says_the_same_however_the_events_are_cut(database: Database) -> None:
    events, shown = recorded(a_life()), set[str]()
    chance = random.Random(1)
    async with (
        await psycopg.AsyncConnection.connect(database.url("projector"), autocommit=True) as conn,
        await psycopg.AsyncConnection.connect(database.url("query"), autocommit=True) as reader,
        await psycopg.AsyncConnection.connect(database.url("owner"), autocommit=True) as owner,
    ):
        for _ in range(4):
            await owner.execute("DELETE FROM read_model.split_payments")
            await owner.execute("DELETE FROM read_model.split_payment_events")
            left = list(events)
            while left:
                size = chance.randint(1, len(left))
                await SplitPayments().write(conn, left[:size])
                left = left[size:]
            row = await read.find(reader, merchant_id=MERCHANT, split_payment_id=SPLIT_PAYMENT_ID)
            assert row is not None
            assert (row.version, row.position) == (len(events), 10 * len(events))
            shown.add(row.view)
            history = await read.history(reader, SPLIT_PAYMENT_ID)
            assert [each.version for each in history] == list(range(1, len(events) + 1))
        (view,) = shown
        found = await read.page(
            reader,
            merchant_id=MERCHANT,
            filters=read.SplitPaymentFilters(status="compensated", user_id=None),
            after=None,
            limit=2,
        )
        assert [each.split_payment_id for each in found] == [SPLIT_PAYMENT_ID]
        assert await read.find(reader, merchant_id=MerchantId("other"), split_payment_id=SPLIT_PAYMENT_ID) is None
    document = view[:-1] + f', "version": 1, "updated_at": "{timestamp(AT)}"}}'
    summary = SplitPaymentSummary.model_validate_json(document)
    assert [leg.status for leg in summary.legs] == ["canceled", "canceled"]
    assert summary.compensation is not None
    assert summary.compensation.reason == "cancel_requested"


async def test_an_event_that_is_not_the_next_is_refused(database: Database) -> None:
    events = recorded(a_life())
    async with await psycopg.AsyncConnection.connect(database.url("projector")) as conn:
        with pytest.raises(VersionGap):
            await SplitPayments().write(conn, [events[0], events[2]])
        await conn.rollback()
        (first, *_) = recorded(a_life()[1:])
        with pytest.raises(MisplacedEvent):
            await SplitPayments().write(conn, [first])
