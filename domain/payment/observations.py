"""What we observe of a payment at Stripe, by an answer, a webhook or a look-up.

Observations are never refused for their timing: one that comes twice, late or out of order leads to no event. One
that contradicts the money already recorded raises InconsistentObservation and changes nothing. ``intent_id`` is
Stripe's ``pi_...``, ``charge_id`` its ``ch_...``, ``stripe_refund_id`` its ``re_...``.
"""

from dataclasses import dataclass

from domain.ids import (
    AttemptId,
    DisputeId,
    EventId,
    RefundId,
    RequestId,
    StripeChargeId,
    StripeIntentId,
    StripeRefundId,
)
from domain.money import Money
from domain.payment.events import UndoneRefund
from domain.payment.values import DisputeStatus, PaymentStatus, RefundReason

_BARE_STATUSES = frozenset({PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.REQUIRES_CONFIRMATION})


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordIntentCreated:
    """Stripe knows the payment. Every status but two has an observation of its own: use that.

    Raises ValueError for such a status: a payment must not become ``succeeded`` without an amount and a
    charge.
    """

    intent_id: StripeIntentId
    status: PaymentStatus

    def __post_init__(self) -> None:
        if self.status not in _BARE_STATUSES:
            raise ValueError(f"An intent with status {self.status.value} has an observation of its own.")


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordActionRequired:
    """The customer has something to do first, such as 3-D Secure."""

    intent_id: StripeIntentId
    action_type: str
    redirect_url: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordProcessing:
    """Stripe waits for a bank, maybe for days."""

    intent_id: StripeIntentId


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordAuthorized:
    """The money is held. ``capture_before`` is when the hold ends, in Unix seconds."""

    intent_id: StripeIntentId
    amount: Money
    charge_id: StripeChargeId
    capture_before: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordSucceeded:
    """The money is captured."""

    intent_id: StripeIntentId
    amount_captured: Money
    charge_id: StripeChargeId


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordAttemptFailed:
    """One attempt to charge failed; another may be made.

    ``attempt_id`` names the attempt for ever: the failed charge's id, or the id of our call where there is
    none. None: it was made without our call and without a charge, such as a 3-D Secure that failed.
    """

    intent_id: StripeIntentId | None
    attempt_id: AttemptId | None
    code: str
    decline_code: str | None = None
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordPaymentFailed:
    """Stripe refuses the payment for good; no attempt will be made."""

    code: str
    decline_code: str | None = None
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordCaptureFailed:
    """The capture ``request_id`` was refused; the money is still held."""

    request_id: RequestId
    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordCancelFailed:
    """The cancellation ``request_id`` was refused."""

    request_id: RequestId
    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordCanceled:
    """Nothing will be charged any more; a hold is released. ``intent_id`` None: none was ever created.

    ``reason`` is Stripe's; ``expired``: the hold ended before it was captured, or Stripe could not be asked in time.
    """

    intent_id: StripeIntentId | None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordRefundPending:
    """Stripe knows the refund; its outcome is open."""

    refund_id: RefundId
    stripe_refund_id: StripeRefundId


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordRefundSucceeded:
    """The refund is on its way to the customer. It can still turn failed."""

    refund_id: RefundId
    stripe_refund_id: StripeRefundId


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordRefundFailed:
    """The refund did not happen, or came back. ``stripe_refund_id`` None: Stripe refused to create it.

    ``moved`` is what left our balance at Stripe and came back, if it did: it matters for a refund that was not known
    before.
    """

    refund_id: RefundId
    stripe_refund_id: StripeRefundId | None
    code: str
    message: str
    moved: Money | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordRefundFound:
    """Stripe lists this refund, and it has not failed. A known one is compared, any other is recorded.

    ``refund_id`` is the one that we gave it, or, when it was made at Stripe itself, one that is always the same
    for it. Its status follows in another observation.
    """

    refund_id: RefundId
    stripe_refund_id: StripeRefundId
    amount: Money
    reason: RefundReason | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordDispute:
    """A dispute as it stands at Stripe. ``amount`` may be in another currency than the payment.

    ``evidence_due_by`` is in Unix seconds; None when no answer is possible. ``withdrawn`` and ``reinstated`` say what
    Stripe took and gave back, each time: a won dispute may still be lost, and of one that is partly lost, a part comes
    back.
    """

    dispute_id: DisputeId
    charge_id: StripeChargeId
    amount: Money
    reason: str
    status: DisputeStatus
    evidence_due_by: int | None = None
    withdrawn: tuple[Money, ...] = ()
    reinstated: tuple[Money, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordOutcomeUnknown:
    """Whether a call had its effect is not known, and it must not be sent again. ``event_id`` requested it."""

    event_id: EventId
    operation: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordUndone:
    """What was recorded as failed appeared at Stripe after all and was undone: ``amount`` went back."""

    event_id: EventId
    intent_id: StripeIntentId
    how: str
    amount: Money
    charge_id: StripeChargeId | None = None
    refunds: tuple[UndoneRefund, ...] = ()


IntentObservation = (
    RecordIntentCreated
    | RecordActionRequired
    | RecordProcessing
    | RecordAuthorized
    | RecordSucceeded
    | RecordAttemptFailed
    | RecordPaymentFailed
    | RecordCanceled
)
RequestObservation = RecordCaptureFailed | RecordCancelFailed
RefundObservation = RecordRefundPending | RecordRefundSucceeded | RecordRefundFailed
PaymentObservation = (
    IntentObservation
    | RequestObservation
    | RefundObservation
    | RecordRefundFound
    | RecordDispute
    | RecordOutcomeUnknown
    | RecordUndone
)
