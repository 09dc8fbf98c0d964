"""The events of a payment: what happened, never changed afterwards.

The stream is the payment, so only PaymentRequested names it. ``...Requested`` events record a request and leave
the status as it is; the status changes when Stripe's answer is recorded. PaymentIntentCreated always comes before
any other event that Stripe's intent caused, so no other event repeats the intent's id.
"""

from dataclasses import dataclass

from domain.ids import (
    AttemptId,
    CustomerId,
    DisputeId,
    EventId,
    MerchantId,
    PaymentId,
    RefundId,
    RequestId,
    SplitPaymentId,
    StripeChargeId,
    StripeIntentId,
    StripeObjectId,
    StripeRefundId,
    UserId,
)
from domain.money import Money
from domain.payment.values import CaptureMethod, PaymentStatus, RefundReason
from domain.personal_data import PersonalDataErased


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentRequested:
    """The payment exists; its status is pending."""

    payment_id: PaymentId
    merchant_id: MerchantId
    user_id: UserId
    amount: Money
    payment_method: str | None
    confirm: bool
    capture_method: CaptureMethod
    description: str | None
    metadata: dict[str, str]
    idempotency_key: str
    customer: CustomerId | None = None
    statement_descriptor_suffix: str | None = None
    expires_in_seconds: int | None = None
    """Counted from when this is recorded; Stripe is not called after that. None: no limit was set."""
    split_payment_id: SplitPaymentId | None = None
    """The split payment that it is a leg of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentIntentCreated:
    """Stripe knows the payment; a pending payment takes ``status``."""

    intent_id: StripeIntentId
    status: PaymentStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentConfirmationRequested:
    """A request to charge ``payment_method`` (None: the one that the intent has)."""

    payment_method: str | None
    expires_in_seconds: int | None = None
    """Counted from when this is recorded; Stripe is not called after that. None: no limit was set."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentActionRequired:
    """Status requires_action: the customer has to act. Clears the last error."""

    action_type: str
    redirect_url: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentProcessing:
    """Status processing: a bank has to answer. Clears the last error and the next action."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentAuthorized:
    """Status requires_capture: ``amount`` is held until ``capture_before`` (Unix seconds).

    Clears the last error and the next action.
    """

    amount: Money
    charge_id: StripeChargeId
    capture_before: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentCaptureRequested:
    """A request to capture ``amount``; ``reason`` is in words of whoever asked, who may have said none."""

    request_id: RequestId
    amount: Money
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentCaptureFailed:
    """The capture was refused: it becomes the last error; the hold stays as it was."""

    request_id: RequestId
    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentSucceeded:
    """Status succeeded: ``amount_captured`` is taken and nothing is left to capture.

    Without an authorization recorded before, it is the amount authorized as well. Clears the last error, the
    next action and any request to capture or cancel.
    """

    amount_captured: Money
    charge_id: StripeChargeId


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentAttemptFailed:
    """Status requires_payment_method: the attempt is the last error. Clears the next action."""

    attempt_id: AttemptId
    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentFailed:
    """Status failed, for good: the refusal is the last error. Clears the next action and requests."""

    code: str
    decline_code: str | None
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentCancelRequested:
    """A request to cancel; an intent that was not created yet is not to be charged."""

    request_id: RequestId
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentCancelFailed:
    """The cancellation was refused: it becomes the last error; the payment goes on."""

    request_id: RequestId
    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentCanceled:
    """Status canceled, for good: a hold is released. Clears the next action and requests.

    Reason ``expired``: the hold ended, or Stripe could not be asked in time.
    """

    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundRequested:
    """``amount`` is reserved: it counts as pending until the refund succeeds or fails."""

    refund_id: RefundId
    amount: Money
    reason: RefundReason | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundPending:
    """Stripe knows the refund."""

    refund_id: RefundId
    stripe_refund_id: StripeRefundId


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundSucceeded:
    """The reserved amount was refunded."""

    refund_id: RefundId
    stripe_refund_id: StripeRefundId


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundFailed:
    """The amount, reserved or refunded, can be refunded again.

    Final, unless Stripe has the refund after all and an operator accepts that: then RefundFound follows.
    """

    refund_id: RefundId
    stripe_refund_id: StripeRefundId | None
    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RefundFound:
    """A refund that was not requested here was made at Stripe; it counts as one that was.

    It may exceed what was left beside refunds that Stripe does not know yet: Stripe will refuse those.
    """

    refund_id: RefundId
    stripe_refund_id: StripeRefundId
    amount: Money
    reason: RefundReason | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeOpened:
    """The payer's bank contests ``amount``. ``status`` is Stripe's and says whether it is an inquiry only.

    ``evidence_due_by`` is in Unix seconds; None when no answer is possible.
    """

    dispute_id: DisputeId
    charge_id: StripeChargeId
    amount: Money
    reason: str
    status: str
    evidence_due_by: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeUpdated:
    """The dispute is still open, with another status or a later time for the evidence."""

    dispute_id: DisputeId
    status: str
    evidence_due_by: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeFundsWithdrawn:
    """Stripe took ``amount`` from our balance: most often all that is disputed."""

    dispute_id: DisputeId
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeFundsReinstated:
    """Stripe gave ``amount`` back to our balance: all that it took, or a part, where the dispute is partly lost."""

    dispute_id: DisputeId
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class DisputeClosed:
    """The dispute ended: ``won``, ``lost``, ``prevented``, or ``warning_closed`` for an inquiry.

    An inquiry may still become a dispute, and a lost dispute may be appealed or given back: DisputeUpdated or
    another DisputeClosed follows then.
    """

    dispute_id: DisputeId
    status: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskOutcomeUnknown:
    """It is not known whether Stripe did what event ``event_id`` requested; the call is not sent again.

    The outcome is looked up at Stripe until it is known.
    """

    event_id: EventId
    operation: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskRetried:
    """An operator retried a stuck call to Stripe: the one that event ``event_id`` requested."""

    event_id: EventId
    operation: str
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskGivenUp:
    """An operator gave up a stuck call to Stripe: the one that event ``event_id`` requested.

    The next event says what follows for the payment.
    """

    event_id: EventId
    operation: str
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentContradicted:
    """What Stripe says of ``object_id`` contradicts this log; it is not believed until an operator accepts it.

    ``object_id`` is Stripe's id of an intent, a refund or a dispute, and ``status`` what it is there. ``refund_id`` is
    of a refund only, ``charge_id`` of the others.
    """

    object_id: StripeObjectId
    status: str
    reason: str
    amount: Money | None
    charge_id: StripeChargeId | None
    refund_id: RefundId | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PaymentContradictionResolved:
    """A contradiction is over: an operator accepted Stripe's word, as the next events say, or Stripe agrees again.

    ``who`` and ``why`` are the operator's; None in the other case.
    """

    object_id: StripeObjectId
    status: str
    actor: str | None
    reason: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class UndoneRefund:
    """A refund at Stripe that undoes a charge, or a part of it."""

    stripe_refund_id: StripeRefundId
    amount: Money


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskUndone:
    """What event ``event_id`` requested was recorded as failed, appeared at Stripe after all, and was undone there.

    ``how``: ``canceled`` (no money was taken, or a hold was released) or ``refunded`` (``amount`` was charged and goes
    back). The payment stays failed. ``charge_id`` and ``refunds`` are of the second case; events that were recorded
    before 0.3 do not name them.
    """

    event_id: EventId
    intent_id: StripeIntentId
    how: str
    amount: Money
    charge_id: StripeChargeId | None = None
    refunds: tuple[UndoneRefund, ...] = ()


IntentEvent = (
    PaymentIntentCreated
    | PaymentActionRequired
    | PaymentProcessing
    | PaymentAuthorized
    | PaymentSucceeded
    | PaymentAttemptFailed
    | PaymentFailed
    | PaymentCanceled
)
RequestEvent = (
    PaymentConfirmationRequested
    | PaymentCaptureRequested
    | PaymentCaptureFailed
    | PaymentCancelRequested
    | PaymentCancelFailed
)
RefundEvent = RefundRequested | RefundFound | RefundPending | RefundSucceeded | RefundFailed
DisputeEvent = DisputeOpened | DisputeUpdated | DisputeFundsWithdrawn | DisputeFundsReinstated | DisputeClosed
TaskEvent = TaskOutcomeUnknown | TaskRetried | TaskGivenUp | TaskUndone
ContradictionEvent = PaymentContradicted | PaymentContradictionResolved
PaymentEvent = (
    PaymentRequested
    | IntentEvent
    | RequestEvent
    | RefundEvent
    | DisputeEvent
    | TaskEvent
    | ContradictionEvent
    | PersonalDataErased
)
