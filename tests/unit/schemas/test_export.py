"""The published documents say what is really on the wire."""

import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from openapi_spec_validator import validate
from referencing import Registry, Resource

import command_api.app
import query_api.app
from domain.ids import EventId, LogId, MerchantId
from domain.money import Money
from domain.payment.events import PaymentCanceled, PaymentEvent
from schemas.cloudevents import KafkaMessage, to_kafka
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.events import EVENT_TYPES, PAYMENT_CODEC, PAYMENT_EVENT_TYPES, EventType
from schemas.export import events
from schemas.export.asyncapi import ASYNCAPI_PATH, DEAD_LETTER, PROGRESS, asyncapi_documents
from schemas.export.events import OldVersionLost, event_schemas, schema_path
from schemas.topics import declarations, event_topics
from tests.support.hypothesis_profiles import examples

st.register_type_strategy(
    Money, st.builds(Money, amount_cents=st.integers(0, 10**12), currency=st.sampled_from(["USD", "JPY", "KWD"]))
)
METADATA = EventMetadata(correlation_id="c", actor="api:key_1", merchant_id=MerchantId("m"))
TRACED = EventMetadata(
    correlation_id="c",
    actor="stripe-gateway",
    merchant_id=MerchantId("m"),
    causation_id="a",
    request_id="r",
    traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    idempotency_key="k",
    request_fingerprint="f",
    answer_status="201",
)
DOCUMENTS: Mapping[str, Any] = {**event_schemas(), **asyncapi_documents()}
ASYNCAPI = DOCUMENTS[ASYNCAPI_PATH]


def validator(schema: Any) -> Draft202012Validator:
    """Return a validator that finds the published files as a folder would have them."""
    files = Registry().with_resources(
        (f"./{path}", Resource.from_contents(document)) for path, document in DOCUMENTS.items() if path != ASYNCAPI_PATH
    )
    return Draft202012Validator(schema, registry=files, format_checker=FormatChecker())


def a_message(event: PaymentEvent, metadata: EventMetadata) -> KafkaMessage:
    new = PAYMENT_CODEC.encode(event, event_id=EventId(uuid.uuid4()), metadata=metadata)
    recorded = RecordedEvent(
        position=2**62,
        event_id=new.event_id,
        stream_id=uuid.uuid4(),
        version=1,
        category="payment",
        type=new.type,
        schema_version=new.schema_version,
        data=new.data,
        metadata=new.metadata,
        recorded_at=datetime.now(UTC),
    )
    return to_kafka(recorded, 0, LogId(uuid.UUID(int=9)) if metadata is TRACED else None)


def headers_of(message: KafkaMessage) -> dict[str, str]:
    return {name: raw.decode() for name, raw in message.headers}


@pytest.mark.parametrize("event_type", PAYMENT_EVENT_TYPES, ids=lambda each: each.name)
@settings(max_examples=examples(25))
@given(data=st.data())
def test_a_written_event_fits_its_published_message(event_type: EventType[PaymentEvent], data: st.DataObject) -> None:
    event = data.draw(st.from_type(event_type.model))
    described = ASYNCAPI["components"]["messages"][f"{event_type.name}.v{event_type.version}"]
    for metadata in (METADATA, TRACED):
        message = a_message(event, metadata)
        validator(described["payload"]).validate(json.loads(message.value))
        validator(described["headers"]).validate(headers_of(message))
        validator(described["bindings"]["kafka"]["key"]).validate(message.key.decode())
        assert described["contentType"] == headers_of(message)["content-type"]


@given(event=st.sampled_from(PAYMENT_EVENT_TYPES).flatmap(lambda each: st.from_type(each.model)), data=st.data())
def test_an_event_with_a_missing_field_or_a_wrong_type_does_not_fit(event: PaymentEvent, data: st.DataObject) -> None:
    new = PAYMENT_CODEC.encode(event, event_id=EventId(uuid.uuid4()), metadata=METADATA)
    document = DOCUMENTS[f"events/{new.type}.v{new.schema_version}.json"]
    schema = validator(document)
    written = json.loads(new.data)
    if not written:
        assert not schema.is_valid([])
        return
    field = data.draw(st.sampled_from(sorted(written)))
    assert not schema.is_valid({**written, field: [1]})
    lacking = {name: value for name, value in written.items() if name != field}
    assert schema.is_valid(lacking) == (field not in document["required"]), "but one that came later may be lacking"
    assert schema.is_valid({**written, "of_a_later_writer": [1]})


def test_the_event_schemas_are_valid_and_stand_on_their_own() -> None:
    assert [path for path in DOCUMENTS if path.startswith("events/")] == [
        schema_path(each, version) for each in EVENT_TYPES for version in range(1, each.version + 1)
    ]
    ids = set()
    for path, schema in DOCUMENTS.items():
        if path != ASYNCAPI_PATH:
            Draft202012Validator.check_schema(schema)
            assert all(reference.startswith("#") for reference in references(schema))
            assert schema["$schema"] == Draft202012Validator.META_SCHEMA["$id"]
            assert schema["title"]
            assert schema["description"]
            ids.add(schema["$id"])
    assert len(ids) == len(DOCUMENTS) - 1


def test_the_headers_are_those_that_are_sent() -> None:
    schema = DOCUMENTS["headers.json"]
    least = headers_of(a_message(PaymentCanceled(reason=None), METADATA))
    most = headers_of(a_message(PaymentCanceled(reason=None), TRACED))
    assert set(schema["required"]) == set(least) - {"ce_dataschema"}, "which older messages lack"
    assert set(schema["properties"]) == set(most)
    for name in least:
        lacking = {each: text for each, text in least.items() if each != name}
        assert validator(schema).is_valid(lacking) == (name == "ce_dataschema")
    for name in ("ce_position", "ce_prevposition", "ce_id", "ce_specversion"):
        assert not validator(schema).is_valid({**least, name: "-1"})


def test_each_type_has_an_example_that_fits_its_message_and_its_schema() -> None:
    for event_type in EVENT_TYPES:
        described = ASYNCAPI["components"]["messages"][f"{event_type.name}.v{event_type.version}"]
        (example,) = described["examples"]
        validator(described["headers"]).validate(example["headers"])
        validator(described["payload"]).validate(example["payload"])
        schema = DOCUMENTS[schema_path(event_type, event_type.version)]
        assert example["headers"]["ce_dataschema"] == schema["$id"]
        assert schema["examples"] == [example["payload"]]


def test_the_other_messages_have_examples_that_fit_too() -> None:
    for name in (DEAD_LETTER, PROGRESS):
        described = ASYNCAPI["components"]["messages"][name]
        for example in described["examples"]:
            validator(described["headers"]).validate(example["headers"])
            validator(described["payload"]).validate(example["payload"])


def test_every_topic_is_a_channel_and_every_version_a_message_of_one() -> None:
    addresses = [channel["address"] for channel in ASYNCAPI["channels"].values()]
    assert sorted(addresses) == sorted(each.name for each in declarations(1, 1))
    in_channels = [name for channel in ASYNCAPI["channels"].values() for name in channel["messages"]]
    assert set(in_channels) == ASYNCAPI["components"]["messages"].keys()
    events = [name for topic in event_topics() for name in ASYNCAPI["channels"][topic]["messages"]]
    assert {f"events/{name}.json" for name in events} == {path for path in DOCUMENTS if path.startswith("events/")}


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    for reference in references(ASYNCAPI):
        if not reference.startswith("#"):
            assert reference.removeprefix("./") in DOCUMENTS
            continue
        place = ASYNCAPI
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_an_older_version_is_the_file_that_was_exported_at_that_time(monkeypatch: pytest.MonkeyPatch) -> None:
    today = next(each for each in EVENT_TYPES if each.name == "payment.canceled")
    changed = EventType(name=today.name, model=today.model, upcasters={1: dict})
    monkeypatch.setattr(events, "EVENT_TYPES", (changed,))
    schemas = event_schemas()
    assert schemas["events/payment.canceled.v1.json"] == DOCUMENTS["events/payment.canceled.v1.json"]
    assert schemas["events/payment.canceled.v2.json"]["$id"] == "urn:paystream:event:payment.canceled:v2"


def test_an_older_version_whose_file_is_lost_cannot_be_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    model = EVENT_TYPES[0].model
    monkeypatch.setattr(events, "EVENT_TYPES", (EventType(name="payment.new", model=model, upcasters={1: dict}),))
    with pytest.raises(OldVersionLost, match=r"events/payment\.new\.v1\.json .* git history"):
        event_schemas()


@pytest.mark.parametrize("side", [command_api.app, query_api.app], ids=["command-api", "query-api"])
def test_the_openapi_documents_are_valid(side: Any) -> None:
    (document,) = side.openapi_documents().values()
    validate(document)
    Draft202012Validator.check_schema({"$defs": document["components"]["schemas"]})
    assert all(
        reference.removeprefix("#/components/schemas/") in document["components"]["schemas"]
        for reference in references(document["paths"])
    )


def references(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        if isinstance(document.get("$ref"), str):
            yield document["$ref"]
        document = list(document.values())
    for inner in document if isinstance(document, list) else ():
        yield from references(inner)
