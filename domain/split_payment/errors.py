"""Why a command on a split payment is refused."""

from typing import ClassVar

from domain.errors import DomainError
from domain.ids import SplitPaymentId
from domain.money import Money
from domain.split_payment.values import SplitPaymentStatus


class SplitPaymentError(DomainError):
    """A rule of split payments said no."""

    code: ClassVar[str] = "split_payment_error"


class SplitPaymentUnknown(SplitPaymentError):
    """There is no such split payment."""

    code: ClassVar[str] = "split_payment_unknown"

    def __init__(self) -> None:
        super().__init__("The split payment does not exist.")


class SplitPaymentAlreadyExists(SplitPaymentError):
    """The split payment was requested before."""

    code: ClassVar[str] = "split_payment_already_exists"

    def __init__(self, *, split_payment_id: SplitPaymentId) -> None:
        self.split_payment_id = split_payment_id
        super().__init__(f"The split payment {split_payment_id} already exists.")


class InvalidSplitPayment(SplitPaymentError):
    """A field breaks a rule; ``field`` says which."""

    code: ClassVar[str] = "invalid_split_payment"

    def __init__(self, field: str, rule: str) -> None:
        self.field = field
        super().__init__(f"{field} {rule}.")


class _NotInThisStatus(SplitPaymentError):
    def __init__(self, *, split_payment_id: SplitPaymentId, status: SplitPaymentStatus, reason: str) -> None:
        self.split_payment_id = split_payment_id
        self.split_payment_status = status
        super().__init__(f"{reason} (split payment {split_payment_id}, status {status.value}).")


class SplitPaymentNotCancelable(_NotInThisStatus):
    """It is too late, or it is being taken back already."""

    code: ClassVar[str] = "split_payment_not_cancelable"


class SplitPaymentNotRefundable(_NotInThisStatus):
    """It was not completed."""

    code: ClassVar[str] = "split_payment_not_refundable"


class SplitPaymentNotStuck(_NotInThisStatus):
    """There is no compensation that an operator could retry or give up."""

    code: ClassVar[str] = "split_payment_not_stuck"


class SplitRefundExceedsRefundable(SplitPaymentError):
    """The request exceeds what is captured on the legs and not refunded."""

    code: ClassVar[str] = "split_refund_amount_exceeds_refundable"

    def __init__(self, *, split_payment_id: SplitPaymentId, requested: Money | None, refundable: Money) -> None:
        self.split_payment_id = split_payment_id
        self.requested = requested
        self.refundable = refundable
        what = "Nothing is left to refund" if requested is None else f"A refund of {requested} is too much"
        super().__init__(f"{what}: {refundable} can be refunded.")


class BrokenSplitHistory(SplitPaymentError):
    """The events are in an order that no decision can have made: the stream is wrong, not the caller."""

    code: ClassVar[str] = "broken_split_history"
