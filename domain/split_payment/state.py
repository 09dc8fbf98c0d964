"""What a split payment is now: the fold of its events. Only ``evolve`` makes one."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from domain.ids import MerchantId, PaymentId, RefundId, SplitPaymentId, UserId
from domain.money import Money
from domain.payment.values import CancellationReason, RefundReason
from domain.saga.status import SagaStatus
from domain.split_payment.values import (
    CompensationReason,
    LegStatus,
    RefundPartStatus,
    SplitPaymentStatus,
    SplitRefundStatus,
)

_SAGA_STATUS = {
    SplitPaymentStatus.AUTHORIZING: SagaStatus.RUNNING,
    SplitPaymentStatus.CAPTURING: SagaStatus.COMMITTING,
    SplitPaymentStatus.COMPLETED: SagaStatus.COMPLETED,
    SplitPaymentStatus.COMPENSATING: SagaStatus.COMPENSATING,
    SplitPaymentStatus.COMPENSATION_STUCK: SagaStatus.COMPENSATION_STUCK,
    SplitPaymentStatus.COMPENSATED: SagaStatus.COMPENSATED,
    SplitPaymentStatus.GIVEN_UP: SagaStatus.GIVEN_UP,
}

RELEASED = frozenset({LegStatus.CANCELED, LegStatus.FAILED, LegStatus.REFUNDED})
"""Such a leg holds and has no money."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LegState:
    """A leg, as far as the split payment has taken notice."""

    payment_id: PaymentId
    user_id: UserId
    amount: Money
    payment_method: str
    metadata: Mapping[str, str]
    status: LegStatus
    captured: Money
    refunded_elsewhere: Money
    capture_before: int | None
    code: str | None
    message: str | None
    failures: int = 0
    """How often it could not be canceled or refunded since compensation started, or an operator had it tried again."""
    failed_requests: frozenset[UUID] = frozenset()
    retry_at: int = 0
    failed_as_disputed: bool = False
    """Whether it could not be refunded last because it is contested: a try that fails so again is no news."""
    is_contested: bool = False
    """Whether the payer's bank has money of it back, or demands it: Stripe refunds nothing of it then."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundPart:
    """The part of a refund that falls on one leg."""

    payment_id: PaymentId
    refund_id: RefundId
    amount: Money
    status: RefundPartStatus
    code: str | None
    message: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitRefund:
    """A refund, spread over the legs."""

    refund_id: RefundId
    amount: Money
    reason: RefundReason | None
    parts: tuple[RefundPart, ...]

    @property
    def status(self) -> SplitRefundStatus:
        """What its parts come to."""
        statuses = {part.status for part in self.parts}
        if RefundPartStatus.PENDING in statuses:
            return SplitRefundStatus.PENDING
        if RefundPartStatus.FAILED not in statuses:
            return SplitRefundStatus.SUCCEEDED
        return SplitRefundStatus.PARTLY_FAILED if len(statuses) > 1 else SplitRefundStatus.FAILED


@dataclass(frozen=True, kw_only=True, slots=True)
class SplitPaymentState:
    """A split payment."""

    split_payment_id: SplitPaymentId
    merchant_id: MerchantId
    user_id: UserId
    amount: Money
    status: SplitPaymentStatus
    legs: Mapping[PaymentId, LegState]
    """In the order in which they were requested."""
    metadata: Mapping[str, str]
    idempotency_key: str
    expires_at: int
    cancel_requested: bool
    cancellation_reason: CancellationReason | None
    compensation_reason: CompensationReason | None
    compensation_code: str | None
    compensation_message: str | None
    stuck_at: int | None
    """When an operator is called; None while nothing is taken back."""
    refunds: Mapping[RefundId, SplitRefund]

    @property
    def saga_status(self) -> SagaStatus:
        """Where it stands, in the words that all sagas share."""
        return _SAGA_STATUS[self.status]

    @property
    def is_taken_back(self) -> bool:
        """Whether compensation is under way."""
        return self.saga_status in {SagaStatus.COMPENSATING, SagaStatus.COMPENSATION_STUCK}

    @property
    def amount_captured(self) -> Money:
        """What was taken, refunded or not."""
        return sum((leg.captured for leg in self.legs.values()), start=Money.zero(self.amount.currency))

    @property
    def amount_refunded(self) -> Money:
        """What refunds of this split payment gave back."""
        parts = (part for refund in self.refunds.values() for part in refund.parts)
        succeeded = (part.amount for part in parts if part.status is RefundPartStatus.SUCCEEDED)
        return sum(succeeded, start=Money.zero(self.amount.currency))

    def refundable(self, payment_id: PaymentId) -> Money:
        """Return what can still be refunded of a leg."""
        leg = self.legs[payment_id]
        if leg.is_contested or leg.status is LegStatus.REFUNDED:
            return Money.zero(self.amount.currency)
        parts = (part for refund in self.refunds.values() for part in refund.parts if part.payment_id == payment_id)
        reserved = (part.amount for part in parts if part.status is not RefundPartStatus.FAILED)
        gone = sum(reserved, start=leg.refunded_elsewhere)
        return leg.captured - min(gone, leg.captured)

    @property
    def amount_refundable(self) -> Money:
        """What can still be refunded of all legs."""
        return sum((self.refundable(each) for each in self.legs), start=Money.zero(self.amount.currency))
