"""Why a command on a payment is refused, or why an observation is not believed."""

from typing import ClassVar

from domain.errors import DomainError
from domain.ids import DisputeId, EventId, PaymentId, SplitPaymentId
from domain.money import Money
from domain.payment.values import DisputeStatus, PaymentStatus


class PaymentError(DomainError):
    """A rule of payments said no."""

    code: ClassVar[str] = "payment_error"


class PaymentUnknown(PaymentError):
    """There is no such payment."""

    code: ClassVar[str] = "payment_unknown"

    def __init__(self) -> None:
        super().__init__("The payment does not exist.")


class PaymentAlreadyExists(PaymentError):
    """The payment was requested before."""

    code: ClassVar[str] = "payment_already_exists"

    def __init__(self, *, payment_id: PaymentId) -> None:
        self.payment_id = payment_id
        super().__init__(f"The payment {payment_id} already exists.")


class InvalidPaymentRequest(PaymentError):
    """A field breaks a rule of ours or of Stripe; ``field`` says which."""

    code: ClassVar[str] = "invalid_payment_request"

    def __init__(self, field: str, rule: str) -> None:
        self.field = field
        super().__init__(f"{field} {rule}.")


class _NotInThisStatus(PaymentError):
    def __init__(self, *, payment_id: PaymentId, status: PaymentStatus, reason: str) -> None:
        self.payment_id = payment_id
        self.status = status
        super().__init__(f"{reason} (payment {payment_id}, status {status.value}).")


class PaymentNotConfirmable(_NotInThisStatus):
    """No attempt to charge can be made now."""

    code: ClassVar[str] = "payment_not_confirmable"


class PaymentNotCapturable(_NotInThisStatus):
    """No money is held, or the hold is being captured or released already."""

    code: ClassVar[str] = "payment_not_capturable"


class PaymentNotCancelable(_NotInThisStatus):
    """It is too late, or another request excludes it."""

    code: ClassVar[str] = "payment_not_cancelable"


class PaymentNotRefundable(_NotInThisStatus):
    """Nothing was captured."""

    code: ClassVar[str] = "payment_not_refundable"


class PaymentDisputed(PaymentError):
    """The payer's bank has the money back, or demands it: Stripe refunds no such charge."""

    code: ClassVar[str] = "payment_disputed"

    def __init__(self, *, payment_id: PaymentId, dispute_id: DisputeId, dispute_status: DisputeStatus) -> None:
        self.payment_id = payment_id
        self.dispute_id = dispute_id
        self.dispute_status = dispute_status
        what = (
            "was lost: the payer has the money back already"
            if dispute_status is DisputeStatus.LOST
            else f"is open ({dispute_status.value}): accept or answer it at Stripe, and refund only if it is won"
        )
        super().__init__(f"The dispute {dispute_id} {what} (payment {payment_id}).")


class PaymentIsLeg(PaymentError):
    """The payment is a leg: its split payment captures, cancels and refunds it, and nobody else."""

    code: ClassVar[str] = "payment_is_leg"

    def __init__(self, *, payment_id: PaymentId, split_payment_id: SplitPaymentId) -> None:
        self.payment_id = payment_id
        self.split_payment_id = split_payment_id
        super().__init__(
            f"The payment {payment_id} is a leg of the split payment {split_payment_id}: cancel or refund that instead."
        )


class CaptureExceedsAuthorized(PaymentError):
    """The request exceeds the amount held."""

    code: ClassVar[str] = "capture_amount_exceeds_authorized"

    def __init__(self, *, payment_id: PaymentId, requested: Money, capturable: Money) -> None:
        self.payment_id = payment_id
        self.requested = requested
        self.capturable = capturable
        super().__init__(f"A capture of {requested} is greater than the amount held ({capturable}).")


class RefundExceedsRefundable(PaymentError):
    """The request exceeds what is captured and neither refunded nor reserved by a pending refund."""

    code: ClassVar[str] = "refund_amount_exceeds_refundable"

    def __init__(
        self, *, payment_id: PaymentId, requested: Money | None, refundable: Money, refunded: Money, pending: Money
    ) -> None:
        self.payment_id = payment_id
        self.requested = requested
        self.refundable = refundable
        self.refunded = refunded
        self.pending = pending
        what = (
            "Nothing is left to refund"
            if requested is None or refundable.amount_cents == 0
            else f"A refund of {requested} is greater than the amount that can be refunded ({refundable})"
        )
        held = f"; {pending} is held by refunds on their way" if pending.amount_cents else ""
        super().__init__(f"{what}: {refunded} is refunded already{held}.")


class InconsistentObservation(PaymentError):
    """What Stripe is said to have done contradicts what is recorded: another object, currency, or more money.

    Only the contradiction is recorded (see contradictions). Someone has to look: money may have moved that this payment
    does not know of.
    """

    code: ClassVar[str] = "inconsistent_observation"

    def __init__(self, *, payment_id: PaymentId, reason: str) -> None:
        self.payment_id = payment_id
        self.reason = reason
        super().__init__(f"{reason} (payment {payment_id}).")


class ContradictionNotAcceptable(PaymentError):
    """There is nothing to accept, or the payment cannot be made what Stripe says without undoing what is posted."""

    code: ClassVar[str] = "contradiction_not_acceptable"

    def __init__(self, *, payment_id: PaymentId, reason: str) -> None:
        self.payment_id = payment_id
        self.reason = reason
        super().__init__(f"{reason} (payment {payment_id}).")


class TaskAlreadyGivenUp(PaymentError):
    """The call was given up, and its amount may be reserved by another request: it cannot be made any more."""

    code: ClassVar[str] = "task_given_up"

    def __init__(self, *, payment_id: PaymentId, event_id: EventId) -> None:
        self.payment_id = payment_id
        self.event_id = event_id
        super().__init__(f"The call of event {event_id} was given up before (payment {payment_id}).")


class BrokenHistory(PaymentError):
    """The events are in an order that no decision can have made: the stream is wrong, not the caller."""

    code: ClassVar[str] = "broken_history"
