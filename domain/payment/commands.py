"""What callers may request of a payment. A command may be refused with a DomainError; an observation may not."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from domain.ids import CustomerId, EventId, MerchantId, PaymentId, RefundId, RequestId, SplitPaymentId, UserId
from domain.money import Money
from domain.payment.observations import PaymentObservation
from domain.payment.values import CaptureMethod, RefundReason


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestPayment:
    """Open a payment; with ``confirm`` Stripe is asked to charge ``payment_method`` at once."""

    payment_id: PaymentId
    merchant_id: MerchantId
    user_id: UserId
    amount: Money
    payment_method: str | None = None
    confirm: bool
    capture_method: CaptureMethod = CaptureMethod.AUTOMATIC
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    customer: CustomerId | None = None
    statement_descriptor_suffix: str | None = None
    idempotency_key: str
    expires_in_seconds: int | None = None
    """Stripe is not asked any more when so many have passed."""
    split_payment_id: SplitPaymentId | None = None
    """The split payment that it is a leg of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfirmPayment:
    """Try to charge.

    ``payment_method`` is needed when the payment has none, its last one was declined, or the payer has to act on that.
    """

    payment_method: str | None = None
    expires_in_seconds: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CapturePayment:
    """Take held money. ``amount`` None takes all; a smaller one releases the rest for good."""

    request_id: RequestId
    amount: Money | None = None
    reason: str | None = None
    split_payment_id: SplitPaymentId | None = None
    """In whose name: a leg takes it from its split payment alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class CancelPayment:
    """Cancel a payment before it is captured. ``reason`` is one of CancellationReason, or None."""

    request_id: RequestId
    reason: str | None = None
    split_payment_id: SplitPaymentId | None = None
    """In whose name: a leg takes it from its split payment alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestRefund:
    """Send captured money back. ``amount`` None means all that is left."""

    refund_id: RefundId
    amount: Money | None = None
    reason: RefundReason | None = None
    split_payment_id: SplitPaymentId | None = None
    """In whose name: a leg takes it from its split payment alone."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryTask:
    """Retry a stuck call to Stripe, as an operator. ``event_id`` is that of the requesting event."""

    event_id: EventId
    operation: str
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class GiveUpTask:
    """Give up a stuck call to Stripe for good, as an operator. Record the failure of the request after it."""

    event_id: EventId
    operation: str
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AcceptStripe:
    """Believe Stripe where it contradicts what is recorded, as an operator."""

    actor: str
    reason: str


PaymentRequestCommand = RequestPayment | ConfirmPayment | CapturePayment | CancelPayment | RequestRefund
"""What a client may request."""

OperatorCommand = RetryTask | GiveUpTask | AcceptStripe
"""What an operator may do about a call that does not end by itself, or about a contradiction."""

PaymentCommand = PaymentRequestCommand | OperatorCommand | PaymentObservation
"""All that ``decide`` understands."""
