"""The enumerations of a payment, spelled as Stripe spells them."""

from enum import StrEnum


class CaptureMethod(StrEnum):
    """Whether an authorization is captured by Stripe at once, or by us later.

    https://docs.stripe.com/payments/place-a-hold-on-a-payment-method
    """

    AUTOMATIC = "automatic"
    MANUAL = "manual"


class PaymentStatus(StrEnum):
    """Where a payment stands: Stripe's statuses of an intent, with ``pending`` before and ``failed`` beside.

    https://docs.stripe.com/payments/paymentintents/lifecycle
    """

    PENDING = "pending"
    """Accepted here; Stripe has not answered yet."""
    REQUIRES_PAYMENT_METHOD = "requires_payment_method"
    REQUIRES_CONFIRMATION = "requires_confirmation"
    REQUIRES_ACTION = "requires_action"
    PROCESSING = "processing"
    REQUIRES_CAPTURE = "requires_capture"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    FAILED = "failed"
    """Stripe refused the request for good: it cannot be confirmed again."""


class RefundReason(StrEnum):
    """The reason of a refund.

    https://docs.stripe.com/api/refunds/create#create_refund-reason
    """

    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    REQUESTED_BY_CUSTOMER = "requested_by_customer"


class CancellationReason(StrEnum):
    """The reasons that Stripe accepts *from* us; it knows more of its own (``automatic``, ...).

    https://docs.stripe.com/api/payment_intents/cancel#cancel_payment_intent-cancellation_reason
    """

    DUPLICATE = "duplicate"
    FRAUDULENT = "fraudulent"
    REQUESTED_BY_CUSTOMER = "requested_by_customer"
    ABANDONED = "abandoned"


class DisputeStatus(StrEnum):
    """Where a dispute stands; ``warning_`` marks an inquiry, which takes no money and may become a dispute.

    In the order in which they follow; ``lost`` comes once more when an appeal fails.

    https://docs.stripe.com/api/disputes/object#dispute_object-status
    """

    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    PREVENTED = "prevented"
    """Settled by a refund before it became a chargeback."""
    LOST = "lost"
    APPEAL_NEEDS_RESPONSE = "appeal_needs_response"
    APPEAL_UNDER_REVIEW = "appeal_under_review"
    WON = "won"


class DisputeFunds(StrEnum):
    """What a dispute did to our balance at Stripe."""

    NONE = "none"
    WITHDRAWN = "withdrawn"
    REINSTATED = "reinstated"


class RefundStatus(StrEnum):
    """Where a refund stands. A failed one has given its amount back to what can be refunded.

    Stripe has two more, which are mapped to these, since a published enumeration must not grow: ``requires_action`` is
    pending, ``canceled`` is failed.
    """

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
