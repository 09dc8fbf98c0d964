"""The registry of event types: names for ever, versions read by upcasting, errors that say what is wrong."""

import json
import typing
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import CustomerId, EventId, MerchantId, PaymentId, UserId
from domain.money import Money
from domain.payment.events import PaymentCanceled, PaymentEvent, PaymentRequested
from domain.payment.values import CaptureMethod
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.errors import InvalidEventData, UnknownEventType, UnsupportedSchemaVersion
from schemas.events import EVENT_TYPES, PAYMENT_CODEC, PAYMENT_EVENT_TYPES, EventType
from schemas.events.examples import EXAMPLES
from tests.support.exported_schemas import EXPORTED, validate

METADATA = EventMetadata(correlation_id="c", actor="a", merchant_id=MerchantId("m"))
MODELS = [event_type.model for event_type in PAYMENT_EVENT_TYPES]
money = st.builds(Money, amount_cents=st.integers(0, 10**8), currency=st.sampled_from(["USD", "JPY", "KWD"]))
st.register_type_strategy(Money, money)


def recorded(event_type: str, version: int, data: bytes) -> RecordedEvent:
    return RecordedEvent(
        position=1,
        event_id=EventId(uuid.uuid4()),
        stream_id=uuid.uuid4(),
        version=1,
        category="payment",
        type=event_type,
        schema_version=version,
        data=data,
        metadata=METADATA,
        recorded_at=datetime.now(UTC),
    )


def test_every_event_of_the_domain_has_a_name_and_no_name_has_two() -> None:
    assert set(MODELS) == set(typing.get_args(PaymentEvent))
    names = [event_type.name for event_type in EVENT_TYPES]
    assert len(set(names)) == len(names)


@given(event=st.sampled_from(MODELS).flatmap(st.from_type))
def test_an_event_survives_being_written_and_read(event: PaymentEvent) -> None:
    written = PAYMENT_CODEC.encode(event, event_id=EventId(uuid.uuid4()), metadata=METADATA)
    assert PAYMENT_CODEC.decode(recorded(written.type, written.schema_version, written.data)) == event


def test_an_event_is_plain_json() -> None:
    event = PaymentRequested(
        payment_id=PaymentId(uuid.UUID(int=1)),
        merchant_id=MerchantId("m"),
        user_id=UserId("u"),
        amount=Money(amount_cents=1000, currency="USD"),
        payment_method="pm_card_visa",
        confirm=True,
        capture_method=CaptureMethod.MANUAL,
        description=None,
        metadata={"order": "7"},
        customer=CustomerId("cus_1"),
        idempotency_key="k",
    )
    written = PAYMENT_CODEC.encode(event, event_id=EventId(uuid.uuid4()), metadata=METADATA)
    assert (written.type, written.schema_version) == ("payment.requested", 1)
    assert json.loads(written.data) == {
        "payment_id": "00000000-0000-0000-0000-000000000001",
        "merchant_id": "m",
        "user_id": "u",
        "amount": {"amount_cents": 1000, "currency": "USD"},
        "payment_method": "pm_card_visa",
        "confirm": True,
        "capture_method": "manual",
        "description": None,
        "metadata": {"order": "7"},
        "customer": "cus_1",
        "statement_descriptor_suffix": None,
        "idempotency_key": "k",
        "expires_in_seconds": None,
        "split_payment_id": None,
    }


def test_a_request_of_before_there_were_customers_is_read() -> None:
    data = (
        b'{"payment_id":"00000000-0000-0000-0000-000000000001","merchant_id":"m","user_id":"u",'
        b'"amount":{"amount_cents":1000,"currency":"USD"},"payment_method":null,"confirm":false,'
        b'"capture_method":"automatic","description":null,"metadata":{},"idempotency_key":"k"}'
    )
    event = PAYMENT_CODEC.decode(recorded("payment.requested", 1, data))
    assert isinstance(event, PaymentRequested)
    assert (event.customer, event.statement_descriptor_suffix) == (None, None)


def test_a_field_of_a_later_writer_is_ignored() -> None:
    assert PAYMENT_CODEC.decode(recorded("payment.canceled", 1, b'{"reason":"abandoned","new":1}')) == PaymentCanceled(
        reason="abandoned"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Newest:
    reason: str
    by: str


def test_older_versions_are_lifted_step_by_step() -> None:
    event_type = EventType(
        name="test.canceled",
        model=_Newest,
        upcasters={
            1: lambda old: {"why": old["cause"]},
            2: lambda old: {"reason": old["why"], "by": "unknown"},
        },
    )
    assert event_type.version == 3
    expected: object = _Newest(reason="r", by="unknown")
    assert event_type.read(b'{"cause":"r"}', 1) == expected
    assert event_type.read(b'{"why":"r"}', 2) == expected
    assert event_type.read(b'{"reason":"r","by":"unknown"}', 3) == expected


OLDER = [(each, version) for each in EVENT_TYPES for version in range(1, each.version)]


@pytest.mark.parametrize(("event_type", "version"), OLDER, ids=lambda each: getattr(each, "name", str(each)))
def test_what_an_older_version_said_is_said_in_the_newest(event_type: EventType[Any], version: int) -> None:
    schema = json.loads((EXPORTED / "events" / f"{event_type.name}.v{version}.json").read_text("utf-8"))
    (example,) = schema["examples"]
    validate(schema, example)
    assert event_type.read(json.dumps(example).encode(), version) == EXAMPLES[event_type.name]


def test_unknown_types_newer_versions_and_wrong_data_are_told_apart() -> None:
    with pytest.raises(UnknownEventType, match=r"payment\.teleported"):
        PAYMENT_CODEC.decode(recorded("payment.teleported", 1, b"{}"))
    for version in (0, 2):
        with pytest.raises(UnsupportedSchemaVersion, match=f"version {version}"):
            PAYMENT_CODEC.decode(recorded("payment.canceled", version, b"{}"))
    for data in (b"{}", b"[]", b'{"reason":1}', b"not json", b"\xff"):
        with pytest.raises(InvalidEventData, match=r"payment\.canceled version 1"):
            PAYMENT_CODEC.decode(recorded("payment.canceled", 1, data))


def test_an_error_does_not_repeat_the_data() -> None:
    with pytest.raises(InvalidEventData) as raised:
        PAYMENT_CODEC.decode(recorded("payment.canceled", 1, b'{"reason":{"secret":"hunter2"}}'))
    assert "hunter2" not in str(raised.value)
