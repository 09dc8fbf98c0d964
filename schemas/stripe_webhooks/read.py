"""From Stripe's event, as a webhook brings it or a list shows it, to what is recorded of it.

https://docs.stripe.com/api/events/object
"""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from domain.ids import StripeEventId, StripeObjectId
from schemas.errors import message_of
from schemas.events.stripe_events import StripeEventReceived
from schemas.stripe_webhooks.redact import TooDeep, redacted

_Id = Annotated[str, Field(min_length=1, max_length=255)]
_HIGHEST_TIME = 2**53


class NotAnEvent(ValueError):
    """The body is signed, and yet no event as Stripe describes it. The text says why, and repeats nothing."""


class _Data(BaseModel):
    """`object` is as it was when the event was made."""

    object: dict[str, Any]


class _Event(BaseModel):
    """What every event has; it may have more."""

    model_config = ConfigDict(strict=True)

    id: _Id
    object: Literal["event"]
    type: Annotated[str, Field(pattern=r"^[a-z0-9_.]{1,200}$")]
    created: Annotated[int, Field(ge=0, le=_HIGHEST_TIME)]
    livemode: bool
    data: _Data
    api_version: _Id | None = None
    account: _Id | None = None


def read_event(raw: bytes, *, mask: Callable[[str], str] | None = None) -> StripeEventReceived:
    """Return the event that a webhook brings, without client secrets and what `mask` takes out. Raises NotAnEvent."""
    return read_listed_event(_parsed(raw), mask=mask)


def read_listed_event(shown: dict[str, Any], *, mask: Callable[[str], str] | None = None) -> StripeEventReceived:
    """Return the event that a list shows, likewise. Raises NotAnEvent."""
    try:
        document = redacted(shown, mask=mask)
        event = _Event.model_validate(document)
    except TooDeep:
        raise NotAnEvent("is nested too deeply") from None
    except ValidationError as error:
        raise NotAnEvent(_reason(error)) from None
    object_id = event.data.object.get("id")
    return StripeEventReceived(
        stripe_event_id=StripeEventId(event.id),
        type=event.type,
        account=event.account,
        livemode=event.livemode,
        created=event.created,
        api_version=event.api_version,
        object_id=StripeObjectId(object_id) if isinstance(object_id, str) else None,
        payload=document,
    )


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:  # also when it is nested more than 1024 deep
        raise NotAnEvent(f"is not JSON: {error.msg.partition(':')[0]}") from None
    if not isinstance(document, dict):
        raise NotAnEvent("is not an object")
    return document


def _reason(error: ValidationError) -> str:
    details = error.errors(include_input=False, include_url=False, include_context=False)
    return "; ".join(f"{'.'.join(str(part) for part in detail['loc'])}: {message_of(detail)}" for detail in details)
