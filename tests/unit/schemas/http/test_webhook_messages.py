"""A webhook says what the timeline says, as the document has it."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from domain.ids import MerchantId
from infra.webhooks_out.signature import ID, SIGNATURE, TIMESTAMP
from schemas.envelope import EventMetadata, RecordedEvent
from schemas.events import PAYMENT_CODEC, PAYMENT_EVENT_TYPES
from schemas.events.examples import EVENT_ID, PAYMENT_EXAMPLES, PAYMENT_ID
from schemas.http.summaries import summary
from schemas.http.timeline import TimelineEntry
from schemas.http.webhook_messages import WebhookMessage, webhook_body
from tests.support.openapi_documents import DOCUMENTS, validator

COMMANDS = DOCUMENTS["command-api"]
(_ITEM,) = COMMANDS["paths"]["/webhook-endpoints"]["post"]["callbacks"]["payment_event"].values()
CALLBACK = _ITEM["post"]
METADATA = EventMetadata(correlation_id="c-1", actor="stripe-gateway", merchant_id=MerchantId("merchant_1"))


def recorded(name: str) -> RecordedEvent:
    new = PAYMENT_CODEC.encode(PAYMENT_EXAMPLES[name], event_id=EVENT_ID, metadata=METADATA)
    return RecordedEvent(
        position=42,
        event_id=EVENT_ID,
        stream_id=PAYMENT_ID,
        version=3,
        category="payment",
        type=new.type,
        schema_version=new.schema_version,
        data=new.data,
        metadata=METADATA,
        recorded_at=datetime(2026, 5, 1, 10, 6, 40, 123456, UTC),
    )


def body(name: str) -> Any:
    event = recorded(name)
    return orjson.loads(webhook_body(event, PAYMENT_CODEC.decode(event)))


@pytest.mark.parametrize("name", [each.name for each in PAYMENT_EVENT_TYPES])
def test_the_body_of_every_type_fits_the_document(name: str) -> None:
    WebhookMessage.model_validate(body(name))
    content = CALLBACK["requestBody"]["content"]["application/json"]
    validator(COMMANDS, content["schema"]).validate(body(name))


@pytest.mark.parametrize("name", [each.name for each in PAYMENT_EVENT_TYPES])
def test_it_says_what_the_timeline_says(name: str) -> None:
    said = body(name)
    assert said.pop("payment_id") == str(PAYMENT_ID)
    entry = {"at" if key == "timestamp" else key: value for key, value in said.items()}
    TimelineEntry.model_validate(entry)
    assert entry["at"] == "2026-05-01T10:06:40.123Z"
    assert entry["data"] == orjson.loads(orjson.dumps(summary(PAYMENT_EXAMPLES[name])))


def test_a_type_of_a_later_version_fits_as_well() -> None:
    WebhookMessage.model_validate(body("payment.requested") | {"type": "payment.of_a_later_type", "data": {"x": 1}})


def test_the_document_names_the_headers_of_the_specification() -> None:
    for name in (ID, TIMESTAMP, SIGNATURE):
        assert f"`{name}`" in CALLBACK["description"]
