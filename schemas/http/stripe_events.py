"""Stripe's events, as they are in the log."""

from typing import Annotated

from pydantic import ConfigDict, Field

from schemas.http.answers import Answer, Json, Timestamp

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
