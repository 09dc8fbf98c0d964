"""What clients may request of a split payment; what operators may, is in domain.saga.commands."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.ids import MerchantId, PaymentId, RefundId, SplitPaymentId, UserId
from domain.money import Money
from domain.payment.values import CancellationReason, RefundReason
from domain.saga.commands import OperatorCommand


@dataclass(frozen=True, kw_only=True, slots=True)
class Leg:
    """One of the payments to pay by. Its id is drawn by who requests."""

    payment_id: PaymentId
    user_id: UserId
    amount: Money
    payment_method: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestSplitPayment:
    """Open a split payment, whose legs are authorized at once. ``now`` is in Unix seconds."""

    split_payment_id: SplitPaymentId
    merchant_id: MerchantId
    user_id: UserId
    currency: str
    legs: tuple[Leg, ...]
    metadata: Mapping[str, str] = field(default_factory=dict)
    idempotency_key: str
    expires_in_seconds: int
    now: float


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelSplitPayment:
    """Take it back before captures began. ``reason`` is one of Stripe's, for every leg."""

    reason: CancellationReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundSplitPayment:
    """Send captured money back, spread over the legs. ``amount`` None means all that is left.

    ``part_ids`` are drawn by who requests: an id for the refund of each leg, in the legs' order.
    """

    refund_id: RefundId
    part_ids: tuple[RefundId, ...]
    amount: Money | None = None
    reason: RefundReason | None = None


SplitPaymentCommand = RequestSplitPayment | CancelSplitPayment | RefundSplitPayment | OperatorCommand
"""All that ``decide`` understands."""
