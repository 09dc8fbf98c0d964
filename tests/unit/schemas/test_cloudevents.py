"""Events on the wire: what goes in comes out, and what is no event is refused with its reason."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import EventId, LogId, MerchantId
from schemas.cloudevents import Headers, from_kafka, to_kafka
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.errors import MalformedMessage

printable = st.characters(exclude_categories=("C", "Z")) | st.just(" ")  # as str.isprintable has it
text = st.text(printable, min_size=1, max_size=40)
metadata = st.builds(
    EventMetadata,
    correlation_id=text,
    actor=text,
    merchant_id=text,
    causation_id=st.none() | text,
    request_id=st.none() | text,
    traceparent=st.none() | text,
    idempotency_key=st.none() | text,
    request_fingerprint=st.none() | text,
    answer_status=st.none() | text,
)
recorded = st.builds(
    RecordedEvent,
    position=st.integers(1, 2**62),
    event_id=st.uuids(),
    stream_id=st.uuids(),
    version=st.integers(1, 2**40),
    category=st.just("payment"),
    type=st.just("payment.requested"),
    schema_version=st.integers(1, 99),
    data=st.binary(min_size=1, max_size=50),
    metadata=metadata,
    recorded_at=st.datetimes(min_value=datetime(2020, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)


@given(event=recorded, share=st.floats(0, 1), log_id=st.none() | st.uuids().map(LogId))
def test_an_event_survives_the_wire(event: RecordedEvent, share: float, log_id: LogId | None) -> None:
    previous = min(int(event.position * share), event.position - 1)
    message = to_kafka(event, previous, log_id)
    found = from_kafka(message.value, message.headers)
    assert found.event == event
    assert found.log_id == log_id
    assert found.stream == str(event.stream_id)
    assert found.previous_position == previous
    assert found.position == event.position
    assert message.key == str(event.stream_id).encode()


def a_message() -> tuple[bytes, Headers]:
    event = RecordedEvent(
        position=7,
        event_id=EventId(uuid.UUID(int=1)),
        stream_id=uuid.UUID(int=2),
        version=1,
        category="payment",
        type="payment.requested",
        schema_version=1,
        data=b"{}",
        metadata=EventMetadata(correlation_id="c", actor="a", merchant_id=MerchantId("m")),
        recorded_at=datetime(2026, 11, 22, 12, 30, tzinfo=UTC) + timedelta(microseconds=5),
    )
    message = to_kafka(event, 3)
    return message.value, message.headers


def test_the_attributes_of_cloudevents_are_there() -> None:
    _, headers = a_message()
    found = dict(headers)
    assert found["ce_specversion"] == b"1.0"
    assert found["ce_id"] == b"00000000-0000-0000-0000-000000000001"
    assert found["ce_source"] == b"/paystream/payment"
    assert found["ce_type"] == b"payment.requested"
    assert found["ce_time"] == b"2026-11-22T12:30:00.000005Z"
    assert found["content-type"] == b"application/json"
    # https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md#naming-conventions
    assert all(name[3:].isalnum() and name[3:].islower() for name in found if name.startswith("ce_"))


NOT_READ = ("ce_specversion", "ce_dataschema", "content-type")
REQUIRED = [name for name, _ in a_message()[1] if name not in NOT_READ]


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_header_is_named(name: str) -> None:
    value, headers = a_message()
    with pytest.raises(MalformedMessage, match=name):
        from_kafka(value, [header for header in headers if header[0] != name])


def test_a_message_names_the_schema_that_its_value_is_written_in() -> None:
    _, headers = a_message()
    assert dict(headers)["ce_dataschema"] == b"urn:paystream:event:payment.requested:v1"


def test_a_message_of_a_release_that_did_not_name_the_schema_is_read_alike() -> None:
    value, headers = a_message()
    older = [header for header in headers if header[0] != "ce_dataschema"]
    assert from_kafka(value, older) == from_kafka(value, headers)
    assert from_kafka(value, [*older, ("ce_dataschema", b"\xff")]) == from_kafka(value, headers)


@pytest.mark.parametrize("name", ["ce_position", "ce_id", "ce_time", "ce_streamversion", "ce_prevposition"])
def test_a_header_with_a_wrong_value_is_refused(name: str) -> None:
    value, headers = a_message()
    with pytest.raises(MalformedMessage, match="invalid value"):
        from_kafka(value, [(each, b"?" if each == name else raw) for each, raw in headers])


def test_a_header_that_is_not_utf8_and_a_tombstone_are_refused() -> None:
    value, headers = a_message()
    with pytest.raises(MalformedMessage, match="ce_actor is not UTF-8"):
        from_kafka(value, [(name, b"\xff\xfe" if name == "ce_actor" else raw) for name, raw in headers])
    with pytest.raises(MalformedMessage, match="no value"):
        from_kafka(None, headers)


def test_headers_of_others_may_hold_anything() -> None:
    value, headers = a_message()
    found = from_kafka(value, [*headers, ("x-other", b"\xff\xfe"), ("x-null", None)])
    assert found == from_kafka(value, headers)


@pytest.mark.parametrize("broken", [name for name in REQUIRED if name not in ("ce_position", "ce_prevposition")])
def test_a_refused_message_says_what_could_be_read_of_its_place(broken: str) -> None:
    value, headers = a_message()
    with pytest.raises(MalformedMessage) as refused:
        from_kafka(value, [header for header in headers if header[0] != broken])
    assert (refused.value.position, refused.value.previous_position) == (7, 3)
    assert refused.value.stream == (None if broken == "ce_subject" else str(uuid.UUID(int=2)))


@pytest.mark.parametrize(
    ("position", "previous"),
    [(b"0", b"0"), (b"3", b"3"), (b"3", b"4"), (b"3", b"-1"), (b"9223372036854775808", b"1"), (b"\xff", b"1")],
)
def test_positions_that_cannot_be_are_no_place(position: bytes, previous: bytes) -> None:
    value, headers = a_message()
    changed = {"ce_position": position, "ce_prevposition": previous}
    with pytest.raises(MalformedMessage) as refused:
        from_kafka(value, [(name, changed.get(name, raw)) for name, raw in headers])
    assert refused.value.position is None
    assert refused.value.previous_position is None
    assert refused.value.stream == str(uuid.UUID(int=2))
