"""Dead letters as operators see them, and the bodies with which they are replayed."""

from typing import Annotated

from pydantic import ConfigDict, Field

from schemas.http.answers import Answer, Json, Timestamp
from schemas.http.bodies import StrictBody, without_default
from schemas.http.operations import Reason

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
    count: Annotated[int, Field(description="How many match in all.")]


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


class ReplayDeadLetterBody(StrictBody):
    """Why a dead letter is replayed."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "the projector is corrected"}]})

    reason: Reason | None = None


class ReplayDeadLettersBody(StrictBody):
    """Which dead letters are replayed: those of one consumer."""

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
        Field(description="Only say how many it would be. Absent: false.", json_schema_extra=without_default),
    ] = False
    limit: Annotated[
        int | None,
        Field(ge=1, le=1_000_000, description="Only this many, the oldest; null or absent: all."),
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
    groups: Annotated[list[DeadLetterGroup], Field(description="In a preview: what they are, the most frequent first.")]
