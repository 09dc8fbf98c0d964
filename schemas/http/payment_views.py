"""Payments as the query API answers with them, with their refunds, disputes and contradictions.

They are its OpenAPI. The API writes its JSON without them, for speed, and a test holds it against them.
"""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from domain.ids import (
    CustomerId,
    DisputeId,
    PaymentId,
    RefundId,
    SplitPaymentId,
    StripeIntentId,
    StripeObjectId,
    StripeRefundId,
    UserId,
)
from domain.payment.values import PaymentStatus, RefundReason, RefundStatus
from schemas.http.answers import Answer, Cents, Json, Timestamp, Version
from schemas.http.obstacles import LastError, NextAction, RefundError

StatusFilter = PaymentStatus
"""What a list of payments can be narrowed to."""


_REFUND: Json = {
    "refund_id": "019ab3c4-6e7f-7091-8b2c-3d4e5f607182",
    "stripe_refund_id": "re_3PXample",
    "status": "succeeded",
    "amount_cents": 500,
    "reason": "requested_by_customer",
    "error": None,
    "created_at": "2026-11-22T20:01:00.456Z",
}
_DISPUTE: Json = {
    "id": "du_1PXample",
    "status": "needs_response",
    "reason": "fraudulent",
    "amount_cents": 1000,
    "currency": "USD",
    "evidence_due_by": "2026-12-09T23:59:59.000Z",
    "funds": "withdrawn",
}
_CONTRADICTION: Json = {
    "stripe_id": "pi_3PXample",
    "status": "succeeded",
    "reason": "Stripe charged a payment that is canceled here",
    "amount_cents": 1000,
    "currency": "USD",
}
_PAYMENT: Json = {
    "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
    "user_id": "test_user_123",
    "amount_cents": 1000,
    "currency": "USD",
    "status": "succeeded",
    "stripe_payment_intent_id": "pi_3PXample",
    "idempotency_key": "order-1001",
    "created_at": "2026-11-22T19:37:00.123Z",
    "description": None,
    "metadata": {"order": "A-1001"},
    "customer": None,
    "statement_descriptor_suffix": None,
    "capture_method": "automatic",
    "amount_capturable_cents": 0,
    "amount_captured_cents": 1000,
    "amount_refunded_cents": 500,
    "capture_before": None,
    "refunds": [_REFUND],
    "last_error": None,
    "next_action": None,
    "dispute": None,
    "contradictions": [],
    "split_payment_id": None,
    "version": 5,
    "updated_at": "2026-11-22T20:01:00.456Z",
}


class RefundView(Answer):
    """A refund of a payment. One that is pending already holds its amount."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REFUND]})

    refund_id: RefundId
    stripe_refund_id: StripeRefundId | None
    status: RefundStatus
    amount_cents: Cents
    reason: RefundReason | None
    error: RefundError | None
    created_at: Timestamp


class DisputeView(Answer):
    """What the payer's bank contests."""

    model_config = ConfigDict(json_schema_extra={"examples": [_DISPUTE]})

    id: Annotated[DisputeId, Field(description="Stripe's (du_... or dp_...).")]
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


class ContradictionView(Answer):
    """What Stripe says of one of its objects, against what is recorded of the payment."""

    model_config = ConfigDict(json_schema_extra={"examples": [_CONTRADICTION]})

    stripe_id: Annotated[StripeObjectId, Field(description="Of the intent, the refund or the dispute.")]
    status: Annotated[str, Field(description="What it is at Stripe.")]
    reason: str
    amount_cents: Annotated[int | None, Field(description="What it comes to at Stripe.")]
    currency: str | None


class PaymentView(Answer):
    """A payment as of `version`."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PAYMENT]})

    id: PaymentId
    user_id: UserId
    amount_cents: Cents
    currency: Annotated[str, Field(description="ISO 4217 code, upper case.")]
    status: PaymentStatus
    stripe_payment_intent_id: StripeIntentId | None
    idempotency_key: str
    created_at: Timestamp
    description: str | None
    metadata: dict[str, str]
    customer: Annotated[CustomerId | None, Field(description="Stripe's customer (cus_...).")]
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
    split_payment_id: Annotated[
        SplitPaymentId | None,
        Field(description="The split payment that it is a leg of, which captures and refunds it."),
    ] = None
    version: Version
    updated_at: Timestamp


class PaymentPage(Answer):
    """Payments, newest first. `next_cursor` is null on the last page."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"data": [_PAYMENT], "has_more": False, "next_cursor": None}]}
    )

    data: list[PaymentView]
    has_more: bool
    next_cursor: str | None


class PaymentCount(Answer):
    """How many payments there are. Beyond the limit nobody counts: then there are more."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"count": 42, "has_more": False}]})

    count: Annotated[int, Field(ge=0)]
    has_more: bool
