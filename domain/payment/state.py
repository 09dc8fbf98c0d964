"""What a payment is now: the fold of its events. Only ``evolve`` makes one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from domain.money import Money
from domain.payment.values import CaptureMethod, PaymentStatus, RefundReason, RefundStatus

TERMINAL = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.CANCELED, PaymentStatus.FAILED})
"""Stripe never leaves these; refunds and disputes happen beside them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LastError:
    """Why Stripe last said no. ``decline_code`` is the card issuer's, where it gave one."""

    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NextAction:
    """What the customer has to do.

    https://docs.stripe.com/api/payment_intents/object#payment_intent_object-next_action
    """

    type: str
    redirect_url: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class CaptureRequest:
    """A capture whose outcome is open."""

    request_id: UUID
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelRequest:
    """A cancellation whose outcome is open."""

    request_id: UUID
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refund:
    """One refund.

    Pending or succeeded, it holds its amount; ``stripe_refund_id`` is None until Stripe knows it.
    """

    refund_id: UUID
    amount: Money
    status: RefundStatus
    reason: RefundReason | None
    stripe_refund_id: str | None
    error: LastError | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentState:
    """A payment. Always: refunded + pending refunds <= captured <= authorized <= amount."""

    payment_id: UUID
    merchant_id: str
    user_id: str
    amount: Money
    status: PaymentStatus
    intent_id: str | None
    charge_id: str | None
    payment_method: str | None
    capture_method: CaptureMethod
    description: str | None
    metadata: Mapping[str, str]
    idempotency_key: str
    amount_authorized: Money
    amount_capturable: Money
    amount_captured: Money
    capture_before: int | None
    """When an uncaptured hold ends, in Unix seconds."""
    refunds: Mapping[UUID, Refund]
    last_error: LastError | None
    next_action: NextAction | None
    confirmation_requested: bool
    """Stripe was asked to charge, by the request or a confirmation, and no outcome is recorded yet."""
    capture_requested: CaptureRequest | None
    cancel_requested: CancelRequest | None
    requests_seen: frozenset[UUID]
    """The captures and cancellations ever asked for: one asked for again is no new wish."""
    attempts_failed: frozenset[str]
    actions_seen: frozenset[NextAction]
    processing_seen: bool

    @property
    def amount_refunded(self) -> Money:
        """What went back to the customer."""
        return self._refunds_in(RefundStatus.SUCCEEDED)

    @property
    def amount_refund_pending(self) -> Money:
        """What refunds without an outcome hold."""
        return self._refunds_in(RefundStatus.PENDING)

    @property
    def amount_refundable(self) -> Money:
        """What a new refund may still ask for."""
        return self.amount_captured - self.amount_refunded - self.amount_refund_pending

    @property
    def is_terminal(self) -> bool:
        """Whether the status can never change again."""
        return self.status in TERMINAL

    def _refunds_in(self, status: RefundStatus) -> Money:
        amounts = (refund.amount for refund in self.refunds.values() if refund.status is status)
        return _total(amounts, self.amount.currency)


def _total(amounts: Iterable[Money], currency: str) -> Money:
    return sum(amounts, start=Money.zero(currency))
