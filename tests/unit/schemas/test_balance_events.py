"""Events of Stripe's balance in the log: written, read, and as they are published."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.ids import EventId
from domain.stripe_balance import PayoutStatus, StripeBalanceEvent
from schemas.cloudevents import from_kafka, to_kafka
from schemas.envelope import NO_MERCHANT, EventMetadata, RecordedEvent
from schemas.errors import InvalidEventData, UnknownEventType, UnsupportedSchemaVersion
from schemas.events import BALANCE_CODEC, PAYMENT_CODEC
from schemas.events.balance_events import CATEGORY
from schemas.topics import STRIPE_BALANCE, topic_of
from tests.support.balance_events import a_payout, a_row
from tests.support.exported_schemas import message, validate

METADATA = EventMetadata(correlation_id="c", actor="stripe-balance", merchant_id=NO_MERCHANT)
EVENTS = [
    a_row(),
    a_row(source_id=None, exchange_rate="1.0812", description="a fee", fee=-7, currency="KWD", amount=-70),
    a_payout(),
    a_payout(PayoutStatus.FAILED),
]


def recorded(event: StripeBalanceEvent, **changes: Any) -> RecordedEvent:
    new = BALANCE_CODEC.encode(event, event_id=EventId(uuid.uuid4()), metadata=METADATA)
    written = RecordedEvent(
        position=7,
        event_id=new.event_id,
        stream_id=uuid.uuid4(),
        version=1,
        category=CATEGORY,
        type=new.type,
        schema_version=new.schema_version,
        data=new.data,
        metadata=METADATA,
        recorded_at=datetime.now(UTC),
    )
    return replace(written, **changes)


@pytest.mark.parametrize("event", EVENTS)
def test_a_message_fits_what_is_published_of_it_and_comes_back_the_same(event: StripeBalanceEvent) -> None:
    written = recorded(event)
    sent = to_kafka(written, previous_position=3)
    described = message(topic_of(CATEGORY), f"{written.type}.v1")
    assert topic_of(CATEGORY) == STRIPE_BALANCE
    validate(described["payload"], json.loads(sent.value))
    validate(described["headers"], {name: raw.decode() for name, raw in sent.headers})
    validate(described["bindings"]["kafka"]["key"], sent.key.decode())
    delivered = from_kafka(sent.value, sent.headers)
    assert BALANCE_CODEC.decode(delivered.event) == event
    assert delivered.log_ids["payment_id"] is None


def test_it_is_not_taken_for_an_event_of_a_payment_nor_one_of_those_for_it() -> None:
    with pytest.raises(UnknownEventType):
        PAYMENT_CODEC.decode(recorded(a_row()))
    with pytest.raises(UnknownEventType):
        BALANCE_CODEC.decode(recorded(a_row(), type="payment.canceled"))


def test_a_newer_version_and_wrong_data_are_told_apart() -> None:
    with pytest.raises(UnsupportedSchemaVersion):
        BALANCE_CODEC.decode(recorded(a_row(), schema_version=2))
    with pytest.raises(InvalidEventData):
        BALANCE_CODEC.decode(recorded(a_payout(), data=b'{"payout_id":"po_1"}'))
