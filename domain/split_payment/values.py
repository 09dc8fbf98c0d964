"""The words of split payments."""

from enum import StrEnum


class SplitPaymentStatus(StrEnum):
    """Where a split payment stands."""

    AUTHORIZING = "authorizing"
    """The legs are being authorized, all at once; customers may have to act."""
    CAPTURING = "capturing"
    """Every leg is authorized, and is being captured."""
    COMPLETED = "completed"
    """Every leg is captured in full."""
    COMPENSATING = "compensating"
    """It is not to be: legs are canceled or refunded."""
    COMPENSATION_STUCK = "compensation_stuck"
    """Compensations fail, or do not come to an end: an operator was called. They are still tried."""
    COMPENSATED = "compensated"
    """No leg holds or has any money."""
    GIVEN_UP = "given_up"
    """An operator ended it as it was."""


class LegStatus(StrEnum):
    """Where a leg stands, as far as the split payment has taken notice. Most are the payment's own statuses."""

    PENDING = "pending"
    """Stripe has not answered yet."""
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    AUTHORIZED = "authorized"
    """The whole amount is held."""
    CAPTURED = "captured"
    """The whole amount is taken."""
    AMOUNT_DIFFERS = "amount_differs"
    """Another amount than the leg's is held or taken."""
    CANCELED = "canceled"
    FAILED = "failed"
    REFUNDED = "refunded"
    """All that was taken is given back."""
    CONTRADICTED = "contradicted"
    """Stripe says what the log rules out: nothing is concluded until that is resolved."""


class CompensationReason(StrEnum):
    """Why a split payment is not to be."""

    CANCEL_REQUESTED = "cancel_requested"
    EXPIRED = "expired"
    """The time was up before every leg was authorized."""
    HOLD_EXPIRING = "hold_expiring"
    """A leg's hold would have ended before the others were authorized."""
    LEG_FAILED = "leg_failed"
    """Stripe refused a leg for good."""
    LEG_CANCELED = "leg_canceled"
    """A leg was canceled at Stripe, or its hold ended there."""
    AMOUNT_DIFFERS = "amount_differs"
    """Another amount than the leg's is held or taken."""
    CAPTURE_FAILED = "capture_failed"
    MONEY_RETURNED = "money_returned"
    """A leg of a compensated split payment has money again: a refund failed after all."""


class RefundPartStatus(StrEnum):
    """Where the part of a refund that falls on one leg stands."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class SplitRefundStatus(StrEnum):
    """Where a refund of a split payment stands: what its parts come to."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    PARTLY_FAILED = "partly_failed"
    """Some legs were refunded, and some could not be."""
    FAILED = "failed"
