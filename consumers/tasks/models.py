"""A task is a call of Stripe that an event requested: one for each. Its types.

And one for each payment that ever was to be refreshed: read again at Stripe, as something there may have changed.
No event requests that, so it has a row of its own that is used again each time (`refresh_id`).
"""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID, uuid5

from domain.ids import EventId, MerchantId, PaymentId

RECONCILIATION = "reconciliation"
"""Who is named as the actor of what a refresh finds that a reconciliation asked for."""
_REFRESHES = UUID("5f0a1c52-3a55-5d5e-9a3c-7f6b7c1f2d10")


class TaskOperation(StrEnum):
    """What is to be asked of Stripe."""

    CREATE_INTENT = "create_intent"
    CONFIRM_INTENT = "confirm_intent"
    CAPTURE_INTENT = "capture_intent"
    CANCEL_INTENT = "cancel_intent"
    CREATE_REFUND = "create_refund"
    REFRESH_PAYMENT = "refresh_payment"
    """Nothing is to be changed: the payment is read, with its refunds and disputes."""


class TaskStatus(StrEnum):
    """Where a task stands."""

    DUE = "due"
    LEASED = "leased"
    UNKNOWN = "unknown"
    """The call may have had an effect and must not be sent again: Stripe is asked what became of it."""
    DONE = "done"
    DEAD = "dead"
    """Another attempt would not help; a person has to look. The payment's later tasks wait, refreshes do not."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewTask:
    """A wanted call. `event_id` is the task's identity and Stripe's idempotency key."""

    event_id: EventId
    payment_id: PaymentId
    merchant_id: MerchantId
    operation: TaskOperation
    position: int
    correlation_id: str
    traceparent: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewRefresh:
    """A payment that is to be read at Stripe again. `position` is that of the event that says so, 0 for none.

    `requested_by` is RECONCILIATION when a run requested it. It does not follow from the correlation id, which a client
    may have chosen.
    """

    payment_id: PaymentId
    merchant_id: MerchantId
    position: int
    correlation_id: str
    traceparent: str | None = None
    requested_by: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Task(NewTask):
    """A claimed task. The lease, known by its token, is ours until it runs out."""

    lease_token: UUID
    attempts: int
    """With this one. Above 1, an earlier one may have reached Stripe."""
    age_s: float
    """Since the first attempt."""
    outcome_unknown: bool
    """It must not be sent again."""
    reopened_for_s: float | None = None
    """Since the log was last reopened, if that was after the requesting event: attempts before may have been lost."""
    requested_by: str | None = None

    @property
    def is_backfill(self) -> bool:
        """Whether a reconciliation asked for it, as a webhook was lost."""
        return self.operation is TaskOperation.REFRESH_PAYMENT and self.requested_by == RECONCILIATION


def refresh_id(payment_id: PaymentId) -> EventId:
    """Return the id of the task that refreshes a payment: the same each time."""
    return EventId(uuid5(_REFRESHES, str(payment_id)))
