"""Bodies of the reads for auditors."""

from typing import Annotated
from uuid import UUID

from pydantic import ConfigDict, Field

from domain.ids import ErasureId
from schemas.http.answers import Answer, Json, Position, Timestamp

_CHECKPOINT: Json = {
    "origin": "example.com/paystream",
    "size": 4711,
    "root": "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=",
    "last_position": 4802,
    "sealed_at": "2026-05-01T10:06:41.000Z",
    "note": "example.com/paystream\n4711\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    "\n— example.com/paystream AbC=\n",
}
_WITNESS: Json = {
    "name": "witness.example",
    "key": "witness.example+7cec1d4f+BGk...",
    "required": True,
    "size": 4711,
    "signed_at": "2026-05-01T10:06:42.000Z",
}
_SEALS: Json = {
    "checkpoint": _CHECKPOINT,
    "unsealed": 3,
    "unsealed_has_more": False,
    "unsealed_since": "2026-05-01T10:06:41.500Z",
    "witnesses": [_WITNESS],
    "witnesses_needed": 1,
    "witnessed": 4711,
}
_ACTION: Json = {
    "position": 4802,
    "at": "2026-05-01T10:06:40.123Z",
    "name": "olga",
    "actor": "api:back-office/olga",
    "type": "discrepancy.resolved",
    "category": "reconciliation",
    "stream_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    "merchant_id": "-",
    "reason": "seen in Stripe's Dashboard",
}
_ERASURE: Json = {
    "id": "019ab3c4-91a2-7b45-907f-7081928a4b5c",
    "at": "2026-05-01T10:06:40.123Z",
    "merchant_id": "merchant_dev",
    "user_id": "test_user_123",
    "actor": "operator:officer",
    "reason": "letter of 3 May",
    "keys": 1,
    "payments": 1,
    "in_clear": 0,
    "webhook_answers": 4,
    "event_id": "019ab3c4-a2b3-7c56-8f70-8192a3b4c5d6",
    "position": 4801,
}


class CheckpointView(Answer):
    """How far the log is sealed."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CHECKPOINT]})

    origin: Annotated[str, Field(description="The log's name.")]
    size: Annotated[int, Field(ge=1, description="How many events are sealed.")]
    root: Annotated[str, Field(description="The root of their tree, in base64.")]
    last_position: Annotated[Position, Field(description="That of the last of them.")]
    sealed_at: Timestamp
    note: Annotated[str, Field(description="The checkpoint as it was signed: https://c2sp.org/tlog-checkpoint.")]


class WitnessView(Answer):
    """A witness of the log: what it has signed last."""

    model_config = ConfigDict(json_schema_extra={"examples": [_WITNESS]})

    name: str
    key: Annotated[str, Field(description="Its public key.")]
    required: Annotated[bool, Field(description="Whether this query API's settings name it.")]
    size: Annotated[int | None, Field(description="How many events it has signed; null: none yet.")]
    signed_at: Annotated[Timestamp | None, Field(description="As the witness says.")]


class SealsView(Answer):
    """How far the log is sealed, what is behind, and who else has signed it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SEALS]})

    checkpoint: Annotated[CheckpointView | None, Field(description="The newest; null: nothing is sealed yet.")]
    unsealed: Annotated[int, Field(ge=0, description="How many events are not sealed yet, counted up to 10,000.")]
    unsealed_has_more: Annotated[bool, Field(description="Whether there are more than were counted.")]
    unsealed_since: Annotated[Timestamp | None, Field(description="When the first of them was recorded.")]
    witnesses: list[WitnessView]
    witnesses_needed: Annotated[int, Field(ge=0, description="How many of those that are required have to sign.")]
    witnessed: Annotated[int, Field(ge=0, description="How many events so many of them have signed; 0: none needed.")]


class StaffActionView(Answer):
    """One event that somebody of the staff caused."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ACTION]})

    position: Position
    at: Timestamp
    name: Annotated[str, Field(description="Who: as they log in.")]
    actor: Annotated[str, Field(description="The same with the API key that vouches for it, or `operator:`.")]
    type: Annotated[str, Field(description="What was done: the event's type.")]
    category: Annotated[str, Field(description="Of what: the category of the event's stream.")]
    stream_id: Annotated[UUID, Field(description="To what: in category `payment` the payment's id.")]
    merchant_id: Annotated[str, Field(description="Whose it is; `-`: no merchant's.")]
    reason: Annotated[str | None, Field(description="The reason that was given, where the event has one.")]


class StaffLogPage(Answer):
    """What people did, newest first. `next_cursor` is null on the last page."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"data": [_ACTION], "has_more": False, "next_cursor": None}]}
    )

    data: list[StaffActionView]
    has_more: bool
    next_cursor: str | None


class ErasureView(Answer):
    """The receipt of an erasure. Of the user it has the id that the merchant gave, and no personal data."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ERASURE]})

    id: ErasureId
    at: Timestamp
    merchant_id: str
    user_id: str
    actor: Annotated[str, Field(description="By whom.")]
    reason: Annotated[str, Field(description="The reason that was given.")]
    keys: Annotated[int, Field(ge=0, description="How many keys were destroyed.")]
    payments: Annotated[int, Field(ge=0, description="How many payments and split payments had personal data.")]
    in_clear: Annotated[
        int, Field(ge=0, description="How many events it could not reach, since they are not encrypted.")
    ]
    webhook_answers: Annotated[
        int | None,
        Field(
            ge=0,
            description="How many answers of endpoints to webhooks were taken away. Null: it was before that was done.",
        ),
    ]
    event_id: Annotated[UUID, Field(description="The receipt in the log.")]
    position: Position


class ErasurePage(Answer):
    """Erasures, newest first. `next_cursor` is null on the last page."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"data": [_ERASURE], "has_more": False, "next_cursor": None}]}
    )

    data: list[ErasureView]
    has_more: bool
    next_cursor: str | None
