"""Bodies of the endpoints with which operators act on the system, and of what they answer."""

from typing import Annotated
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from schemas.http.answers import Answer, Json, Timestamp

MAX_REASON_CHARS = 500
_ASSIGNEE: Json = {"assignee": "bo", "reason": "knows the bank"}


def _without_default(schema: Json) -> None:
    """Leave a default to the description: generators of types make a field with one required, which it is not."""
    schema.pop("default", None)


def _said(text: str) -> str:
    if not text.strip():
        raise PydanticCustomError("blank", "say why")
    return text


Reason = Annotated[
    str,
    Field(min_length=1, max_length=MAX_REASON_CHARS, pattern=r"^[^\x00]*$", description="Why; kept in the log."),
    AfterValidator(_said),
]
Assignee = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9._@+-]{0,63}$", description="A name, as people log in.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ReasonBody(_Body):
    """What an operator does, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "seen in Stripe's Dashboard"}]})

    reason: Reason


class GiveUpBody(_Body):
    """Giving up, and why."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "checked at Stripe: nothing is there"}]})

    reason: Reason
    force: Annotated[
        bool,
        Field(
            description="Even if it may have happened, or may still come to an end. False when it is not there.",
            json_schema_extra=_without_default,
        ),
    ] = False


class AssignBody(_Body):
    """Who looks into it; without an assignee, nobody any more."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ASSIGNEE]})

    assignee: Assignee | None
    reason: Reason | None = None


class OperationAnswer(Answer):
    """What was done."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"said": "It is explained."}]})

    said: Annotated[str, Field(description="In words, for people.")]


_TASK: Json = {
    "id": "019ab3c4-7f80-7192-9c3d-4e5f60718293",
    "payment_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    "operation": "create_refund",
    "status": "dead",
    "attempts": 7,
    "created_at": "2026-05-01T10:06:40.123Z",
    "due_at": "2026-05-01T10:09:40.123Z",
    "last_error": "500 api_error",
}
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
_DEAD_LETTER: Json = {
    "id": 7,
    "status": "open",
    "consumer": "projector",
    "topic": "paystream.payment",
    "partition": 3,
    "offset": 4711,
    "position": 42,
    "stream": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    "reason": "refused",
    "error": "VersionGap: event 3 follows event 1",
    "attempts": 1,
    "failed_at": "2026-05-01T10:06:41.000Z",
    "requested_by": None,
    "replay_reason": None,
    "resolved_by": None,
    "resolution": None,
}


class TaskView(Answer):
    """A call to Stripe that is wanted."""

    model_config = ConfigDict(json_schema_extra={"examples": [_TASK]})

    id: Annotated[UUID, Field(description="That of the requesting event.")]
    payment_id: UUID
    operation: str
    status: Annotated[str, Field(description="`due`, `leased`, `unknown`, `dead` or `done`.")]
    attempts: int
    created_at: Timestamp
    due_at: Timestamp
    last_error: str | None


class TaskList(Answer):
    """Tasks, the oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": [_TASK], "count": 1}]})

    data: list[TaskView]
    count: Annotated[int, Field(description="How many there are in all.")]


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


class DeadLetterView(Answer):
    """A record that a consumer could not apply."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DEAD_LETTER]})

    id: int
    status: Annotated[str, Field(description="`open`, `replaying`, `applied` or `discarded`.")]
    consumer: str
    topic: str
    partition: int
    offset: int
    position: int | None
    stream: str | None
    reason: Annotated[str, Field(description="`undecodable`, `refused`, or `behind` an earlier one of its stream.")]
    error: str
    attempts: int
    failed_at: Timestamp
    requested_by: str | None
    replay_reason: Annotated[str | None, Field(description="Why the replay was requested, where somebody said.")]
    resolved_by: str | None
    resolution: str | None


class DeadLetterList(Answer):
    """Dead letters, the oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": [_DEAD_LETTER], "count": 1}]})

    data: list[DeadLetterView]
    count: Annotated[int, Field(description="How many fit in all.")]


class DeadLetterDetail(DeadLetterView):
    """A dead letter with its value, and what a replay of it applies."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_DEAD_LETTER, "value": "{}", "queue": [7, 9], "lacking": ["projection:x"]}]}
    )

    value: Annotated[str | None, Field(description="Without personal data, and cut where it is long.")]
    queue: Annotated[
        list[int],
        Field(description="The open ones of its consumer and stream in their order: all that a replay of it applies."),
    ]
    lacking: Annotated[list[str], Field(description="Which checkpoints have not applied it.")]


class ReplayDeadLetterBody(_Body):
    """Why one is replayed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the projector is corrected"}]})

    reason: Reason | None = None


class ReplayDeadLettersBody(_Body):
    """Of which consumer all are replayed."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"consumer": "projector", "preview": True, "limit": 100},
                {"consumer": "projector", "reason": "the projector is corrected"},
            ]
        }
    )

    consumer: Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
    preview: Annotated[
        bool,
        Field(
            description="Only say how many it would be. False when it is not there.", json_schema_extra=_without_default
        ),
    ] = False
    limit: Annotated[
        int | None,
        Field(ge=1, le=1_000_000, description="The oldest so many alone; null, or not there: all."),
    ] = None
    reason: Reason | None = None


_GROUP: Json = {"topic": "paystream.payment", "reason": "refused", "count": 2}


class DeadLetterGroup(Answer):
    """How many dead letters of a topic failed for the same reason."""

    model_config = ConfigDict(json_schema_extra={"examples": [_GROUP]})

    topic: str
    reason: Annotated[str, Field(description="`undecodable`, `refused`, or `behind` an earlier one of its stream.")]
    count: int


class ReplayAnswer(Answer):
    """What is replayed: the running consumers do it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"count": 2, "preview": True, "groups": [_GROUP]}]})

    count: int
    preview: bool
    groups: Annotated[list[DeadLetterGroup], Field(description="Of a preview: what they are, the most first.")]


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


_STRIPE_EVENT: Json = {
    "position": 44,
    "id": "evt_1PXample",
    "type": "payment_intent.succeeded",
    "object_id": "pi_3PXample",
    "livemode": False,
    "created_at": "2026-05-01T10:06:40.000Z",
    "received_at": "2026-05-01T10:06:41.000Z",
    "actor": "stripe",
    "dead_letter_id": None,
}


class StripeEventView(Answer):
    """What Stripe told once."""

    model_config = ConfigDict(json_schema_extra={"examples": [_STRIPE_EVENT]})

    position: int
    id: Annotated[str, Field(description="Stripe's (evt_...).")]
    type: str
    object_id: Annotated[str | None, Field(description="What it is about.")]
    livemode: bool
    created_at: Annotated[Timestamp, Field(description="By Stripe's clock.")]
    received_at: Timestamp
    actor: Annotated[str, Field(description="Who brought it: a webhook, or the sweeper that found it missing.")]
    dead_letter_id: Annotated[int | None, Field(description="Where it could not be interpreted.")]


class StripeEventPage(Answer):
    """What Stripe told, newest first. `next_before` is null on the last page."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": [_STRIPE_EVENT], "next_before": None}]})

    data: list[StripeEventView]
    next_before: int | None
