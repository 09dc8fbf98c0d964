"""Events of reconciliation: written, read, and as they are published."""

import json
import typing
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.ids import EventId
from domain.reconciliation.events import ReconciliationEvent
from schemas.cloudevents import to_kafka
from schemas.envelope import NO_MERCHANT, EventMetadata, RecordedEvent
from schemas.errors import UnknownEventType
from schemas.events import RECONCILIATION_CODEC, RECONCILIATION_EVENT_TYPES
from schemas.events.reconciliation_events import CATEGORY
from schemas.topics import RECONCILIATION, topic_of
from tests.support.exported_schemas import message, validate
from tests.support.hypothesis_profiles import examples

METADATA = EventMetadata(correlation_id="c", actor="reconciliation", merchant_id=NO_MERCHANT)
MODELS = [event_type.model for event_type in RECONCILIATION_EVENT_TYPES]


def recorded(event: ReconciliationEvent, type_: str | None = None) -> RecordedEvent:
    new = RECONCILIATION_CODEC.encode(event, event_id=EventId(uuid.uuid4()), metadata=METADATA)
    return RecordedEvent(
        position=7,
        event_id=new.event_id,
        stream_id=uuid.uuid4(),
        version=1,
        category=CATEGORY,
        type=type_ or new.type,
        schema_version=new.schema_version,
        data=new.data,
        metadata=METADATA,
        recorded_at=datetime.now(UTC),
    )


def test_every_event_of_the_domain_has_a_name() -> None:
    assert set(MODELS) == set(typing.get_args(ReconciliationEvent))
    assert {event_type.category for event_type in RECONCILIATION_EVENT_TYPES} == {CATEGORY}
    assert topic_of(CATEGORY) == RECONCILIATION


@settings(max_examples=examples(50))
@given(event=st.sampled_from(MODELS).flatmap(st.from_type))
def test_an_event_survives_writing_and_reading_and_fits_its_schema(event: ReconciliationEvent) -> None:
    written = recorded(event)
    assert RECONCILIATION_CODEC.decode(written) == event
    sent = to_kafka(written, previous_position=3)
    described = message(RECONCILIATION, f"{written.type}.v{written.schema_version}")
    validate(described["payload"], json.loads(sent.value))
    validate(described["headers"], {name: raw.decode() for name, raw in sent.headers})


def test_it_is_not_taken_for_another() -> None:
    (event,) = (each for each in MODELS if each.__name__ == "DiscrepancyExplained")
    with pytest.raises(UnknownEventType):
        RECONCILIATION_CODEC.decode(
            recorded(event(discrepancy_id=uuid.uuid4(), actor="ana", reason="a tip"), "payment.succeeded")
        )
