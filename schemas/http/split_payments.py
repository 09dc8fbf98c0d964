"""Bodies about split payments: what a client may send, and what both APIs answer."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, StringConstraints

from domain.ids import PaymentId, RefundId, SplitPaymentId, UserId
from domain.payment.requests import MAX_USER_ID_CHARS
from domain.payment.values import CancellationReason, RefundReason
from domain.split_payment.decide import MAX_EXPIRES_IN_SECONDS, MAX_LEGS, MIN_EXPIRES_IN_SECONDS, MIN_LEGS
from domain.split_payment.values import (
    CompensationReason,
    LegStatus,
    RefundPartStatus,
    SplitPaymentStatus,
    SplitRefundStatus,
)
from domain.split_payment.waits import WaitsFor
from schemas.http.answers import Answer, Cents, Json, Timestamp, Version
from schemas.http.bodies import Body
from schemas.http.payments import (
    NOT_BLANK,
    POSITION,
    AmountCents,
    Currency,
    Metadata,
    PaymentMethod,
    opaque,
)

_LEG_ID, _OTHER_LEG_ID = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071", "019ab3c4-a2b3-7c56-8f60-8192a3b4c5d6"
_SPLIT_PAYMENT_ID = "019ab3c4-91a2-7b45-8e5f-708192a3b4c5"

SplitStatusFilter = SplitPaymentStatus
"""What a list of split payments can be narrowed to."""

UserIdText = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=MAX_USER_ID_CHARS), AfterValidator(opaque)
]


class LegBody(Body):
    """One of the payments to pay by. It is authorized at once, and captured when all of them are."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"amount_cents": 500, "payment_method": "pm_card_visa"}]})

    user_id: UserIdText | None = Field(
        default=None,
        description="Who pays this leg. Default: the user of the split payment.",
        json_schema_extra=NOT_BLANK,
    )
    amount_cents: AmountCents
    payment_method: PaymentMethod
    metadata: Metadata = Field(default_factory=dict)


class CreateSplitPaymentBody(Body):
    """One purchase that several payments pay, all or nothing."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "user_id": "test_user_123",
                    "currency": "USD",
                    "legs": [
                        {"amount_cents": 600, "payment_method": "pm_card_visa"},
                        {"user_id": "test_user_456", "amount_cents": 400, "payment_method": "pm_card_mastercard"},
                    ],
                    "metadata": {"order": "A-1001"},
                    "expires_in_seconds": 900,
                }
            ]
        }
    )

    user_id: UserIdText = Field(description="Whose purchase it is, in your own terms.", json_schema_extra=NOT_BLANK)
    currency: Currency
    legs: Annotated[list[LegBody], Field(min_length=MIN_LEGS, max_length=MAX_LEGS)]
    metadata: Metadata = Field(default_factory=dict)
    expires_in_seconds: (
        Annotated[
            StrictInt,
            Field(
                ge=MIN_EXPIRES_IN_SECONDS,
                le=MAX_EXPIRES_IN_SECONDS,
                description="How long customers may act and bring other cards. After that, what is held is released, "
                "unless every leg is authorized. Default: the server's setting, an hour unless it was changed.",
            ),
        ]
        | None
    ) = None


class CancelSplitPaymentBody(Body):
    """Take the split payment back. Reasons are Stripe's."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"reason": "requested_by_customer"}]})

    reason: CancellationReason | None = None


class RefundSplitPaymentBody(Body):
    """Give money back, spread over the legs in proportion to what can be refunded of each."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"amount_cents": 500}]})

    amount_cents: AmountCents | None = Field(default=None, description="Default: all that can still be refunded.")
    reason: RefundReason | None = None


_LEG: Json = {
    "payment_id": _LEG_ID,
    "user_id": "test_user_123",
    "amount_cents": 600,
    "payment_method": "pm_card_visa",
    "status": "authorized",
    "captured_cents": 0,
    "capture_before": "2026-12-06T19:37:00.000Z",
    "error": None,
}
_PART: Json = {
    "payment_id": _LEG_ID,
    "refund_id": "019ab3c4-6e7f-7091-8b2c-3d4e5f607182",
    "amount_cents": 300,
    "status": "succeeded",
    "error": None,
}
_REFUND: Json = {
    "refund_id": "019ab3c4-6e7f-7091-8b2c-3d4e5f607183",
    "status": "succeeded",
    "amount_cents": 300,
    "reason": "requested_by_customer",
    "parts": [_PART],
}
_WAIT: Json = {"payment_id": _OTHER_LEG_ID, "waits_for": "customer", "until": None}
_COMPENSATION: Json = {
    "reason": "leg_failed",
    "code": "resource_missing",
    "message": "No such PaymentMethod: 'pm_none'",
}
_SPLIT_PAYMENT: Json = {
    "id": _SPLIT_PAYMENT_ID,
    "user_id": "test_user_123",
    "amount_cents": 1000,
    "currency": "USD",
    "status": "authorizing",
    "legs": [
        _LEG,
        {
            **_LEG,
            "payment_id": _OTHER_LEG_ID,
            "user_id": "test_user_456",
            "amount_cents": 400,
            "status": "requires_payment_method",
            "capture_before": None,
            "error": {"code": "insufficient_funds", "message": "Your card has insufficient funds."},
        },
    ],
    "refunds": [],
    "waits_for": [_WAIT],
    "compensation": None,
    "amount_captured_cents": 0,
    "amount_refunded_cents": 0,
    "metadata": {"order": "A-1001"},
    "idempotency_key": "order-1001",
    "expires_at": "2026-11-22T19:52:00.000Z",
    "created_at": "2026-11-22T19:37:00.123Z",
}
_HISTORY: Json = {
    "version": 1,
    "position": 42,
    "type": "split_payment.requested",
    "at": "2026-11-22T19:37:00.123Z",
    "actor": "api:development",
    "data": {},
}


class SplitError(Answer):
    """Stripe's last refusal. Codes are Stripe's."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": "insufficient_funds", "message": "Your card has insufficient funds."}]}
    )

    code: str
    message: str | None


class LegView(Answer):
    """A leg. The whole of it is the payment of this id, with what its customer has to do."""

    model_config = ConfigDict(json_schema_extra={"examples": [_LEG]})

    payment_id: PaymentId
    user_id: UserId
    amount_cents: Cents
    payment_method: Annotated[str, Field(description="The one that it was requested with.")]
    status: LegStatus
    captured_cents: Cents
    capture_before: Annotated[Timestamp | None, Field(description="When its hold ends.")]
    error: SplitError | None


class RefundPartView(Answer):
    """The part of a refund that falls on one leg."""

    model_config = ConfigDict(json_schema_extra={"examples": [_PART]})

    payment_id: PaymentId
    refund_id: Annotated[RefundId, Field(description="Of the leg's own refund.")]
    amount_cents: Cents
    status: RefundPartStatus
    error: SplitError | None


class SplitRefundView(Answer):
    """A refund. A leg whose part fails shows, and the rest stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [_REFUND]})

    refund_id: RefundId
    status: SplitRefundStatus
    amount_cents: Cents
    reason: RefundReason | None
    parts: list[RefundPartView]


class WaitView(Answer):
    """A leg that is waited for."""

    model_config = ConfigDict(json_schema_extra={"examples": [_WAIT]})

    payment_id: PaymentId
    waits_for: Annotated[
        WaitsFor,
        Field(description="`customer`: to act, or to bring another card, by POST /payments/{payment_id}/confirm."),
    ]
    until: Annotated[Timestamp | None, Field(description="When a compensation is tried again.")]


class CompensationView(Answer):
    """Why it is taken back, with Stripe's refusal if that led to it."""

    model_config = ConfigDict(json_schema_extra={"examples": [_COMPENSATION]})

    reason: CompensationReason
    code: str | None
    message: str | None


class SplitPaymentAnswer(BaseModel):
    """A split payment, as of the command's acceptance or, with `Prefer: wait`, of its outcome."""

    model_config = ConfigDict(json_schema_extra={"examples": [{**_SPLIT_PAYMENT, "position": 42}]})

    id: SplitPaymentId
    user_id: UserId
    amount_cents: Annotated[int, Field(description="What the legs add up to.")]
    currency: str
    status: SplitPaymentStatus
    legs: list[LegView]
    refunds: list[SplitRefundView]
    waits_for: list[WaitView]
    compensation: CompensationView | None
    amount_captured_cents: Cents
    amount_refunded_cents: Cents
    metadata: dict[str, str]
    idempotency_key: str
    expires_at: datetime = Field(description="ISO 8601, UTC.")
    created_at: datetime = Field(description="ISO 8601, UTC.")
    position: int = POSITION


class SplitRefundAnswer(BaseModel):
    """A refund of a split payment. While a part is pending it already holds its amount."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"split_payment_id": _SPLIT_PAYMENT_ID, **_REFUND, "position": 47}]}
    )

    split_payment_id: SplitPaymentId
    refund_id: RefundId
    status: SplitRefundStatus
    amount_cents: Cents
    reason: RefundReason | None
    parts: list[RefundPartView]
    position: int = POSITION


class HistoryEntry(Answer):
    """An event of a split payment. The shape of `data` is that of the event of this type in Kafka."""

    model_config = ConfigDict(json_schema_extra={"examples": [_HISTORY]})

    version: Version
    position: int
    type: str
    at: Timestamp
    actor: str
    data: dict[str, Any]


class SplitPaymentSummary(Answer):
    """A split payment in a list."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{**_SPLIT_PAYMENT, "version": 3, "updated_at": "2026-11-22T19:37:01.500Z"}]}
    )

    id: SplitPaymentId
    user_id: UserId
    amount_cents: Cents
    currency: str
    status: SplitPaymentStatus
    legs: list[LegView]
    refunds: list[SplitRefundView]
    waits_for: list[WaitView]
    compensation: CompensationView | None
    amount_captured_cents: Cents
    amount_refunded_cents: Cents
    metadata: dict[str, str]
    idempotency_key: str
    expires_at: Timestamp
    created_at: Timestamp
    version: Version
    updated_at: Timestamp


class SplitPaymentView(SplitPaymentSummary):
    """A split payment, with its legs, what it waits for, and what happened to it."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {**_SPLIT_PAYMENT, "history": [_HISTORY], "version": 3, "updated_at": "2026-11-22T19:37:01.500Z"}
            ]
        }
    )

    history: list[HistoryEntry]


class SplitPaymentPage(Answer):
    """Split payments, newest first, without their history. `next_cursor` is null on the last page."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"data": [], "has_more": False, "next_cursor": None}]})

    data: list[SplitPaymentSummary]
    has_more: bool
    next_cursor: str | None
