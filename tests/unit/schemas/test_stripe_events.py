"""Stripe's events in the log: written, read, and as they are published."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.ids import EventId, StripeEventId, StripeObjectId
from schemas.cloudevents import from_kafka, to_kafka
from schemas.envelope import NO_MERCHANT, EventMetadata, RecordedEvent
from schemas.errors import InvalidEventData, UnknownEventType, UnsupportedSchemaVersion
from schemas.events import PAYMENT_CODEC, STRIPE_EVENT_CODEC
from schemas.events.stripe_events import CATEGORY, StripeEventReceived
from schemas.topics import STRIPE_EVENT, topic_of
from tests.support.exported_schemas import message, validate

EVENT = StripeEventReceived(
    stripe_event_id=StripeEventId("evt_1"),
    type="payment_intent.succeeded",
    account=None,
    livemode=False,
    created=1_700_000_000,
    api_version="2026-10-28.endive",
    object_id=StripeObjectId("pi_1"),
    payload={"id": "evt_1", "data": {"object": {"id": "pi_1", "amount": 1000, "lines": [{"rate": 0.5}, None]}}},
)
METADATA = EventMetadata(correlation_id="c", actor="stripe", merchant_id=NO_MERCHANT)


def recorded(event: StripeEventReceived = EVENT, **changes: Any) -> RecordedEvent:
    new = STRIPE_EVENT_CODEC.encode(event, event_id=EventId(uuid.uuid4()), metadata=METADATA)
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


def test_an_event_survives_being_written_and_read() -> None:
    assert STRIPE_EVENT_CODEC.decode(recorded()) == EVENT


@pytest.mark.parametrize("event", [EVENT, replace(EVENT, account="acct_1", api_version=None, object_id=None)])
def test_a_message_fits_what_is_published_of_it_and_comes_back_the_same(event: StripeEventReceived) -> None:
    sent = to_kafka(recorded(event), previous_position=3)
    described = message(topic_of(CATEGORY), "stripe_event.received.v1")
    assert topic_of(CATEGORY) == STRIPE_EVENT
    validate(described["payload"], json.loads(sent.value))
    validate(described["headers"], {name: raw.decode() for name, raw in sent.headers})
    validate(described["bindings"]["kafka"]["key"], sent.key.decode())
    delivered = from_kafka(sent.value, sent.headers)
    assert STRIPE_EVENT_CODEC.decode(delivered.event) == event
    assert delivered.log_ids["payment_id"] is None


def test_it_is_not_taken_for_an_event_of_a_payment_nor_one_of_those_for_it() -> None:
    with pytest.raises(UnknownEventType):
        PAYMENT_CODEC.decode(recorded())
    with pytest.raises(UnknownEventType):
        STRIPE_EVENT_CODEC.decode(recorded(type="payment.canceled"))


def test_a_newer_version_and_wrong_data_are_told_apart_without_the_data() -> None:
    with pytest.raises(UnsupportedSchemaVersion):
        STRIPE_EVENT_CODEC.decode(recorded(schema_version=2))
    with pytest.raises(InvalidEventData) as raised:
        STRIPE_EVENT_CODEC.decode(recorded(data=b'{"payload":"hunter2"}'))
    assert "hunter2" not in str(raised.value)
