"""How far each part of the system is."""

from typing import Annotated

from pydantic import ConfigDict, Field

from schemas.http.answers import Answer, Json, Timestamp

_CHECKPOINT: Json = {
    "consumer": "projection:payments",
    "topic": "paystream.payment",
    "partition": 3,
    "position": 117,
    "updated_at": "2026-05-01T10:06:40.900Z",
}
_OUTBOX: Json = {"depth": 2, "oldest_at": "2026-05-01T10:06:41.000Z", "published_through": 118}
_BUILD: Json = {
    "id": 1,
    "projection": "payments",
    "phase": "catching_up",
    "events": 100,
    "read_through": 100,
    "differences": None,
    "started_by": "olga",
    "started_at": "2026-05-01T10:00:00.000Z",
    "updated_at": "2026-05-01T10:06:00.000Z",
    "reason": None,
}
_BREAKER: Json = {
    "process": "stripe-gateway at gateway-7:1",
    "breaker": "stripe:create_intent",
    "state": "open",
    "since": "2026-05-01T10:06:40.000Z",
    "seen_at": "2026-05-01T10:06:41.000Z",
    "heard_of": True,
}
_LAG: Json = {
    "consumer": "projection:payments",
    "topic": "paystream.payment",
    "partition": 3,
    "events": 12,
    "is_complete": True,
    "oldest_at": "2026-05-01T10:06:38.000Z",
}
_SYSTEM: Json = {
    "position": 120,
    "closed_because": None,
    "outbox": _OUTBOX,
    "read_model_through": 117,
    "checkpoints": [_CHECKPOINT],
    "lags": [_LAG],
    "tasks": {"due": 3, "dead": 1},
    "oldest_task_due_at": "2026-05-01T10:06:30.000Z",
    "dead_letters": {"projector": 1},
    "sagas": {"compensation_stuck": 1},
    "builds": [_BUILD],
    "breakers": [_BREAKER],
}


class CheckpointView(Answer):
    """How far a consumer, or a projection, has come in a partition."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CHECKPOINT]})

    consumer: str
    topic: str
    partition: int
    position: int
    updated_at: Timestamp


class LagView(Answer):
    """Events of a partition that are in the log, and that a consumer, or a projection, has not taken."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LAG]})

    consumer: str
    topic: str
    partition: int
    events: Annotated[int, Field(ge=0, description="Those among the newest 5,000 of the log.")]
    is_complete: Annotated[bool, Field(description="Whether these are all; else there may be more, which are older.")]
    oldest_at: Annotated[Timestamp | None, Field(description="When the oldest was recorded; null: they are not all.")]


class BuildView(Answer):
    """A rebuild of a projection."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BUILD]})

    id: int
    projection: str
    phase: str
    events: int
    read_through: int
    differences: int | None
    started_by: str
    started_at: Timestamp
    updated_at: Timestamp
    reason: str | None


class BreakerView(Answer):
    """A circuit breaker of a process that calls Stripe: while it is open, calls of its kind wait."""

    model_config = ConfigDict(json_schema_extra={"examples": [_BREAKER]})

    process: Annotated[str, Field(description="Which services of ours call Stripe in it, and its host and process id.")]
    breaker: Annotated[
        str,
        Field(
            description="`stripe` of reads for a payment, `stripe:background` of other reads, of each kind of change "
            "its own, such as `stripe:create_refund`."
        ),
    ]
    state: Annotated[str, Field(description="`closed`, `half_open` or `open`.")]
    since: Timestamp
    seen_at: Annotated[Timestamp, Field(description="When the process told of it last.")]
    heard_of: Annotated[bool, Field(description="Whether that was within a minute; else it may have ended.")]


class OutboxView(Answer):
    """What is in the log and not on Kafka yet, as far as the relays have told PostgreSQL."""

    model_config = ConfigDict(json_schema_extra={"examples": [_OUTBOX]})

    depth: Annotated[int, Field(description="Estimated by positions, with their gaps.")]
    oldest_at: Timestamp | None
    published_through: int


class SystemView(Answer):
    """How far each part is. Positions have gaps, so their differences are upper bounds of what is left to do."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SYSTEM]})

    position: Annotated[int, Field(description="Of the newest event in the log; 0: it is empty.")]
    closed_because: Annotated[str | None, Field(description="Why the log takes nothing; null: it is open.")]
    outbox: OutboxView
    read_model_through: Annotated[int, Field(description="All events of payments up to here are shown.")]
    checkpoints: list[CheckpointView]
    lags: Annotated[
        list[LagView] | None,
        Field(
            description="Who lacks events, on Kafka or not; who is not named lacks none. Null: they cannot be counted, "
            "as KAFKA_TOPIC_PARTITIONS is not what the topics have."
        ),
    ]
    tasks: Annotated[dict[str, int], Field(description="Calls to Stripe that have not ended, by status.")]
    oldest_task_due_at: Annotated[Timestamp | None, Field(description="Of those that are due: since when.")]
    dead_letters: Annotated[dict[str, int], Field(description="Those that are open, by consumer.")]
    sagas: Annotated[dict[str, int], Field(description="Those that have not ended, by status.")]
    builds: Annotated[list[BuildView], Field(description="Those under way, and the newest of the others.")]
    breakers: Annotated[list[BreakerView], Field(description="Circuit breakers, those first that are not closed.")]
