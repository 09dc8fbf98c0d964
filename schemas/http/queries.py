"""Bodies of the query API's answers.

They are its OpenAPI. The API writes its JSON without them, for speed, and a test holds it against them.
"""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from domain.payment.values import PaymentStatus, RefundReason, RefundStatus
from schemas.http.obstacles import LastError, NextAction, RefundError

Cents = Annotated[int, Field(ge=0, description="In the currency's smallest unit, as Stripe counts it.")]
Position = Annotated[int, Field(ge=1, description="Place of an event in the whole log.")]
Version = Annotated[int, Field(ge=1, description="Number of an event within its payment, from 1.")]
Timestamp = Annotated[datetime, Field(description="ISO 8601, UTC.")]


StatusFilter = PaymentStatus
"""What a list of payments can be narrowed to."""


class _Answer(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RefundView(_Answer):
    """A refund of a payment. One that is pending already holds its amount."""

    refund_id: UUID
    stripe_refund_id: str | None
    status: RefundStatus
    amount_cents: Cents
    reason: RefundReason | None
    error: RefundError | None
    created_at: Timestamp


class DisputeView(_Answer):
    """What the payer's bank contests."""

    id: Annotated[str, Field(description="Stripe's (du_... or dp_...).")]
    status: Annotated[
        str,
        Field(
            description="Stripe's: `needs_response`, `under_review`, `won`, `lost`, ...; with `warning_` before it, an "
            "inquiry, which takes no money. More may come."
        ),
    ]
    reason: Annotated[str, Field(description="Stripe's: `fraudulent`, `product_not_received`, ...")]
    amount_cents: Cents
    currency: Annotated[str, Field(description="Most often the payment's, but not always.")]
    evidence_due_by: Annotated[Timestamp | None, Field(description="Null: no answer is possible.")]
    funds: Annotated[
        Literal["none", "withdrawn", "reinstated"], Field(description="What became of the money at Stripe.")
    ]


class ContradictionView(_Answer):
    """What Stripe says of one of its objects, against what is recorded of the payment."""

    stripe_id: Annotated[str, Field(description="Of the intent, the refund or the dispute.")]
    status: Annotated[str, Field(description="What it is at Stripe.")]
    reason: str
    amount_cents: Annotated[int | None, Field(description="What it comes to at Stripe.")]
    currency: str | None


class PaymentView(_Answer):
    """A payment as of `version`."""

    id: UUID
    user_id: str
    amount_cents: Cents
    currency: Annotated[str, Field(description="ISO 4217 code, upper case.")]
    status: PaymentStatus
    stripe_payment_intent_id: str | None
    idempotency_key: str
    created_at: Timestamp
    description: str | None
    metadata: dict[str, str]
    customer: Annotated[str | None, Field(description="Stripe's customer (cus_...).")]
    statement_descriptor_suffix: str | None
    capture_method: Literal["automatic", "manual"]
    amount_capturable_cents: Cents
    amount_captured_cents: Cents
    amount_refunded_cents: Annotated[Cents, Field(description="Refunds that have succeeded.")]
    capture_before: Annotated[
        Timestamp | None, Field(description="While money is held: when the hold ends, and the payment is canceled.")
    ]
    refunds: Annotated[
        list[RefundView], Field(description="In the order in which they became known; those made at Stripe itself too.")
    ]
    last_error: LastError | None
    next_action: NextAction | None
    dispute: Annotated[DisputeView | None, Field(description="The newest; the events tell of all.")]
    contradictions: Annotated[
        list[ContradictionView],
        Field(
            description="Those that are open: nothing of them is in the other fields until an operator accepts them."
        ),
    ]
    version: Version
    updated_at: Timestamp


class PaymentPage(_Answer):
    """Payments, newest first. `next_cursor` is null on the last page."""

    data: list[PaymentView]
    has_more: bool
    next_cursor: str | None


class TimelineEntry(_Answer):
    """One event of a payment. `actor` is who caused it; the shape of `data` depends on `type`."""

    position: Position
    version: Version
    type: str
    at: Timestamp
    actor: str
    request_id: str | None
    correlation_id: str
    data: dict[str, Any]


class TimelinePage(_Answer):
    """Events of a payment, oldest first. `next_cursor` is null on the last page."""

    data: list[TimelineEntry]
    has_more: bool
    next_cursor: str | None
