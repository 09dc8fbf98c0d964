"""Builders of log entries for tests that do not care what the events mean."""

import json
import uuid
from typing import Any

from domain.ids import EventId, LogId, MerchantId
from event_store.appends import Append, IdempotencyRecord
from event_store.store import LogState
from schemas.envelope import EventMetadata, NewEvent

MERCHANT = MerchantId("merchant_test")


OPEN_LOG = LogState(log_id=LogId(uuid.UUID(int=1)), epoch=1, closed_because=None, only_started=False)


def metadata(**fields: Any) -> EventMetadata:
    return EventMetadata(**{"correlation_id": "c-1", "actor": "test", "merchant_id": MERCHANT, **fields})


def new_event(data: dict[str, Any] | None = None, event_type: str = "test.happened") -> NewEvent:
    return NewEvent(
        event_id=EventId(uuid.uuid4()),
        type=event_type,
        schema_version=1,
        data=json.dumps(data or {}).encode(),
        metadata=metadata(),
    )


def an_append(
    stream_id: uuid.UUID | None = None,
    expected_version: int = 0,
    *,
    events: int = 1,
    key: str | None = None,
    fingerprint: str = "f",
    response: bytes = b'{"answer":1}',
    merchant_id: MerchantId = MERCHANT,
) -> Append:
    return Append(
        stream_id=stream_id or uuid.uuid4(),
        category="payment",
        merchant_id=merchant_id,
        expected_version=expected_version,
        events=tuple(new_event() for _ in range(events)),
        idempotency=None
        if key is None
        else IdempotencyRecord(key=key, fingerprint=fingerprint, status=201, response=response),
    )
