"""The events of a split payment: what happened, never changed afterwards. Moments are in Unix seconds.

The stream is the split payment, so only SplitPaymentRequested names it. What a leg did is in the leg's own stream;
LegChanged says what of it the split payment took notice of.
"""

from dataclasses import dataclass

from domain.ids import MerchantId, PaymentId, RefundId, SplitPaymentId, UserId
from domain.money import Money
from domain.payment.values import CancellationReason, RefundReason
from domain.personal_data import PersonalDataErased
from domain.split_payment.values import CompensationReason, LegStatus, RefundPartStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestedLeg:
    """One of the payments that a split payment is to be paid by."""

    payment_id: PaymentId
    user_id: UserId
    amount: Money
    payment_method: str
    metadata: dict[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitPaymentRequested:
    """The split payment exists: its status is authorizing. It is taken back at ``expires_at`` unless captures began."""

    split_payment_id: SplitPaymentId
    merchant_id: MerchantId
    user_id: UserId
    amount: Money
    legs: tuple[RequestedLeg, ...]
    metadata: dict[str, str]
    idempotency_key: str
    expires_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class LegChanged:
    """A leg has another status, or money of it moved.

    ``refunded_elsewhere`` is what was refunded of it, or is being refunded, but for refunds of this split payment.
    While it ``is_contested``, nothing of it can be refunded: its payer's bank has money of it back, or demands it.
    """

    payment_id: PaymentId
    status: LegStatus
    captured: Money
    refunded_elsewhere: Money
    capture_before: int | None
    code: str | None
    """The last refusal by Stripe."""
    message: str | None
    is_contested: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitPaymentCancelRequested:
    """A request to cancel: compensation starts."""

    reason: CancellationReason | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptureStarted:
    """Status capturing: every leg is authorized, and a capture of each is requested."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitPaymentCompleted:
    """Status completed: every leg is captured."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompensationStarted:
    """Status compensating: what is held is released, and what was taken is refunded.

    ``payment_id`` is the leg that led to it, with Stripe's refusal; an operator is called at ``stuck_at``.
    """

    reason: CompensationReason
    payment_id: PaymentId | None
    code: str | None
    message: str | None
    stuck_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CompensationFailed:
    """A leg could not be canceled or refunded: it is tried again at ``retry_at``.

    ``request_id`` is that of the cancellation or refund; None when the leg refused it at once.
    """

    payment_id: PaymentId
    request_id: RefundId | None
    attempt: int
    code: str
    message: str
    retry_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class CompensationStuck:
    """Status compensation_stuck: an operator is called. ``payment_ids`` are the legs that are not taken back."""

    payment_ids: tuple[PaymentId, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitPaymentCompensated:
    """Status compensated: no leg holds or has any money."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CompensationRetried:
    """An operator had it tried again at once; an operator is called again at ``stuck_at``."""

    actor: str
    reason: str
    stuck_at: int


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitPaymentGivenUp:
    """Status given_up: an operator ended it. ``payment_ids`` are the legs that were not taken back."""

    actor: str
    reason: str
    payment_ids: tuple[PaymentId, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestedPart:
    """The part of a refund that falls on one leg; ``refund_id`` is that of the leg's own refund."""

    payment_id: PaymentId
    refund_id: RefundId
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitRefundRequested:
    """``amount`` is reserved, and falls on the legs in ``parts``, which add up to it."""

    refund_id: RefundId
    amount: Money
    reason: RefundReason | None
    parts: tuple[RequestedPart, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundPartChanged:
    """A part of a refund succeeded or failed. A failed part's amount can be refunded again; the others stand."""

    refund_id: RefundId
    payment_id: PaymentId
    status: RefundPartStatus
    code: str | None
    message: str | None


CompensationEvent = (
    CompensationStarted
    | CompensationFailed
    | CompensationStuck
    | SplitPaymentCompensated
    | CompensationRetried
    | SplitPaymentGivenUp
)
SplitRefundEvent = SplitRefundRequested | RefundPartChanged
SplitPaymentEvent = (
    SplitPaymentRequested
    | LegChanged
    | SplitPaymentCancelRequested
    | CaptureStarted
    | SplitPaymentCompleted
    | CompensationEvent
    | SplitRefundEvent
    | PersonalDataErased
)
