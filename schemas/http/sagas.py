"""Sagas, as operators see them."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from schemas.http.answers import Answer, Json, Timestamp

_SAGA: Json = {
    "id": "019ab3c4-8091-72a3-9d4e-5f6071829304",
    "kind": "split_payment",
    "status": "compensation_stuck",
    "created_at": "2026-05-01T10:06:40.123Z",
    "status_since": "2026-05-01T10:36:40.123Z",
    "due_at": None,
    "failures": 0,
    "last_error": None,
}
_SAGA_EVENT: Json = {
    "version": 1,
    "position": 41,
    "type": "split_payment.requested",
    "at": "2026-05-01T10:06:40.123Z",
    "actor": "api:shop",
}


class SagaSummary(Answer):
    """A saga."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SAGA]})

    id: UUID
    kind: str
    status: str
    created_at: Timestamp
    status_since: Timestamp
    due_at: Annotated[Timestamp | None, Field(description="When it is looked at again; null: it waits for events.")]
    failures: int
    last_error: str | None


class SagaList(Answer):
    """Sagas, the oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": [_SAGA], "count": 1}]})

    data: list[SagaSummary]
    count: Annotated[int, Field(description="How many there are in all.")]


class SagaEventView(Answer):
    """An event of a saga."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SAGA_EVENT]})

    version: int
    position: int
    type: str
    at: Timestamp
    actor: str


class SagaView(Answer):
    """A saga, what it waits for, and what happened to it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": _SAGA["id"],
                    "kind": "split_payment",
                    "status": "compensation_stuck",
                    "waits_for": ["an operator"],
                    "events": [_SAGA_EVENT],
                }
            ]
        }
    )

    id: UUID
    kind: str
    status: str
    waits_for: Annotated[list[str], Field(description="In words, for people.")]
    events: list[SagaEventView]
