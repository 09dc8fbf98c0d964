"""Bodies about webhook endpoints: where a merchant wants its events, and what was delivered there."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from domain.ids import EventId, PaymentId, WebhookEndpointId
from schemas.events import PAYMENT_EVENT_TYPES
from schemas.http.answers import Answer, Json, Timestamp
from schemas.http.bodies import StrictBody, without_default
from schemas.http.strict import AS_MOMENT

EVENT_TYPES = tuple(each.name for each in PAYMENT_EVENT_TYPES)
MAX_URL_CHARS = 2000
MAX_DESCRIPTION_CHARS = 500
MAX_OVERLAP_S = 7 * 24 * 3600


def _of_event_types(schema: dict[str, Any]) -> None:
    without_default(schema)
    schema["uniqueItems"] = True


Url = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_URL_CHARS,
        description="On the public internet, with https in production. Each endpoint of a merchant has its own.",
    ),
]
EventTypes = Annotated[
    list[str],
    Field(
        max_length=len(EVENT_TYPES),
        description="Which events it gets, such as `payment.authorized`. Empty: all of every payment.",
        json_schema_extra=_of_event_types,
    ),
]
Description = Annotated[str, Field(max_length=MAX_DESCRIPTION_CHARS, pattern=r"^[^\x00]*$")]

_ID = "019ab3c4-b3c4-7d67-8071-92a3b4c5d6e7"
_ENDPOINT: Json = {
    "id": _ID,
    "url": "https://shop.example/webhooks",
    "event_types": [],
    "description": "the shop",
    "enabled": True,
    "disabled_because": None,
    "failing_since": None,
    "previous_secret_until": None,
    "previous_secrets": [],
    "created_at": "2026-05-01T10:06:40.123Z",
    "updated_at": "2026-05-01T10:06:40.123Z",
}
_ATTEMPT: Json = {
    "at": "2026-05-01T10:06:41.000Z",
    "duration_ms": 87,
    "status": 200,
    "error": None,
    "answer": "ok",
}
_DELIVERY: Json = {
    "id": "7b0e3d4c-1f2a-4b3c-8d5e-6f708192a3b4",
    "event_id": "019ab3c4-7f80-7192-9c3d-4e5f60718293",
    "event_type": "payment.authorized",
    "payment_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    "position": 42,
    "status": "delivered",
    "attempts": [_ATTEMPT],
    "next_attempt_at": None,
    "created_at": "2026-05-01T10:06:40.900Z",
    "finished_at": "2026-05-01T10:06:41.090Z",
}
_EXAMPLE_SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"  # noqa: S105 - of the specification


class _WithEventTypes(StrictBody):
    @field_validator("event_types", check_fields=False)
    @classmethod
    def _known(cls, names: list[str] | None) -> list[str] | None:
        if names is None:
            return None
        if unknown := sorted(set(names) - set(EVENT_TYPES)):
            first = min(names.index(each) for each in unknown)
            raise PydanticCustomError("event_types", "has what is no type of payment events, at {at}", {"at": first})
        if len(set(names)) < len(names):
            raise PydanticCustomError("event_types", "has a type twice")
        return names


class CreateWebhookEndpointBody(_WithEventTypes):
    """POST /webhook-endpoints."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"url": "https://shop.example/webhooks", "description": "the shop"}]}
    )

    url: Url
    event_types: EventTypes = Field(default=[])
    description: Annotated[Description, Field(json_schema_extra=without_default)] = ""
    enabled: Annotated[bool, Field(description="Default: true.", json_schema_extra=without_default)] = True


class UpdateWebhookEndpointBody(_WithEventTypes):
    """PATCH /webhook-endpoints/{endpoint_id}: what is not there stays as it is."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"enabled": False}]})

    url: Url | None = None
    event_types: EventTypes | None = None
    description: Description | None = None
    enabled: Annotated[
        bool | None,
        Field(description="What is recorded while it is disabled is not sent later, except by a replay."),
    ] = None


class RotateSecretBody(StrictBody):
    """POST /webhook-endpoints/{endpoint_id}/rotate-secret."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"overlap_seconds": 86400}]})

    overlap_seconds: Annotated[
        int,
        Field(
            ge=0,
            le=MAX_OVERLAP_S,
            description="For how long the replaced secret still signs; 0 if it was leaked. Default: a day.",
            json_schema_extra=without_default,
        ),
    ] = 24 * 3600
    end_previous_secrets: Annotated[
        bool,
        Field(
            description="Whether the secrets that were replaced before sign no more from now on: they are leaked. "
            "Default: each signs until its own time is over.",
            json_schema_extra=without_default,
        ),
    ] = False


class ReplayWebhooksBody(StrictBody):
    """POST /webhook-endpoints/{endpoint_id}/replays."""

    model_config = ConfigDict(
        strict=False,
        json_schema_extra={"examples": [{"from": "2026-05-01T10:00:00Z", "until": "2026-05-01T12:00:00Z"}]},
    )

    from_: Annotated[dt.datetime, Field(alias="from", description="From when on events were recorded."), AS_MOMENT]
    until: Annotated[dt.datetime, Field(description="Until when; not in the future."), AS_MOMENT]


class PreviousWebhookSecretView(Answer):
    """A secret that was replaced by another, and signs until its overlap is over."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"signs_until": "2026-05-02T10:06:40.123Z"}]})

    signs_until: Timestamp


class WebhookEndpointView(Answer):
    """An endpoint. Its secret is shown when it is made, and never again."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ENDPOINT]})

    id: WebhookEndpointId
    url: str
    event_types: list[str]
    description: str
    enabled: bool
    disabled_because: Annotated[
        str | None,
        Field(description="`failing`: nothing was delivered for days; `gone`: it answered 410. Null: nobody but you."),
    ]
    failing_since: Annotated[Timestamp | None, Field(description="Since when every attempt has failed.")]
    previous_secret_until: Annotated[
        Timestamp | None,
        Field(description="Until when a replaced secret still signs; of several, the first to end. Null: none does."),
    ]
    previous_secrets: Annotated[
        list[PreviousWebhookSecretView],
        Field(description="Replaced secrets that still sign, the one that ends first at the front."),
    ]
    created_at: Timestamp
    updated_at: Timestamp


class WebhookEndpointWithSecret(WebhookEndpointView):
    """An endpoint with its new secret, which is shown this once."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_ENDPOINT, "secret": _EXAMPLE_SECRET}]})

    secret: Annotated[str, Field(description="`whsec_...`: verify the signatures with it.")]


class WebhookEndpointList(Answer):
    """All endpoints of the merchant, the oldest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": [_ENDPOINT]}]})

    data: list[WebhookEndpointView]


class WebhookAttemptView(Answer):
    """What came of an attempt."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ATTEMPT]})

    at: Timestamp
    duration_ms: int
    status: Annotated[int | None, Field(description="Of the answer; null: there was none.")]
    error: Annotated[str | None, Field(description="Null: it was delivered.")]
    answer: Annotated[str | None, Field(description="The beginning of what the endpoint answered.")]


class WebhookDeliveryView(Answer):
    """An event on its way to an endpoint, with its attempts."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DELIVERY]})

    id: UUID
    event_id: Annotated[EventId, Field(description="The `webhook-id` of its attempts.")]
    event_type: str
    payment_id: PaymentId
    position: Annotated[int, Field(ge=1, description="Place of the event in the whole log.")]
    status: Literal["pending", "delivered", "failed"]
    attempts: list[WebhookAttemptView]
    next_attempt_at: Annotated[Timestamp | None, Field(description="Null: at once, or behind an event before it.")]
    created_at: Timestamp
    finished_at: Timestamp | None


class WebhookDeliveryPage(Answer):
    """Deliveries, those of the newest events first. `next_before` is null on the last page."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"data": [_DELIVERY], "has_more": False, "next_before": None}]}
    )

    data: list[WebhookDeliveryView]
    has_more: bool
    next_before: Annotated[int | None, Field(description="The `before` of the next page.")]


class WebhookResendAnswer(Answer):
    """A delivery that is made once more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": _DELIVERY["id"], "status": "pending"}]})

    id: UUID
    status: Literal["pending"]


class WebhookReplayAnswer(Answer):
    """A replay that was asked for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"id": _ID}]})

    id: UUID
