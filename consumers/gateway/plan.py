"""What is to be done with a claimed task, given its payment: call, look up, wait or nothing. Pure.

The rule that keeps money safe: Stripe may forget an idempotency key after 24 hours, and a call sent again
then is a new charge (https://docs.stripe.com/api/idempotent_requests). What was requested longer ago than
`RESEND_HORIZON_S` is never sent; what became of it is looked up by our id in the object's metadata. So is what Stripe
answered with a failure of its own: that answer is kept for the key, and sending again would tell nothing. It is the
age of the event that counts: how long ago a task was first tried is lost when its row is restored or made again.
"""

from dataclasses import dataclass

from consumers.tasks.models import Task
from consumers.tasks.results import TaskResult
from domain.payment.events import (
    PaymentCancelRequested,
    PaymentCaptureRequested,
    PaymentConfirmationRequested,
    PaymentEvent,
    PaymentRequested,
    RefundRequested,
)
from domain.payment.observations import RecordCancelFailed
from domain.payment.state import PaymentState
from domain.payment.values import PaymentStatus, RefundStatus

RESEND_HORIZON_S = 23 * 3600.0
KEY_LIFE_S = 24 * 3600.0
SEARCH_LAG_S = 60.0
"""How much later Stripe's search shows what was made (https://docs.stripe.com/search#data-freshness)."""
_TRIED = 2  # attempts: the first one may have reached Stripe


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """Send the request, with the task's key."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LookUp:
    """Ask Stripe what became of it. `is_final`: what is not found now will never be.

    `expired`: as far as we know it was never sent, and it is not to be any more: it is too late, or canceled.
    """

    is_final: bool
    expired: bool = False


NextStep = Call | LookUp | TaskResult


def next_step(
    task: Task,
    requested: PaymentEvent,
    payment: PaymentState,
    *,
    event_age_s: float,
    is_superseded: bool,
    missing_after_s: float,
    lookup_after_s: float,
    not_listed_after_s: float = float("inf"),
    unknown_for_s: float | None = None,
    lease_s: float,
) -> NextStep:
    """Return what to do for the event `requested`, which was recorded `event_age_s` ago: a result needs no call.

    `is_superseded`: a later request takes its place. `missing_after_s` after the first attempt, what is not
    found at Stripe was never done. What can be undone need not wait for that: it counts as never done when it was
    unknown for `not_listed_after_s` (it is, for `unknown_for_s`; None: not known since when). A call is made within
    `lease_s` of its claim, or never.
    """
    if task.event_id in payment.tasks_given_up or is_superseded:
        return TaskResult.done()  # what it held may have been given to another: it must not be made once more
    if (result := _without_stripe(task.attempts, requested, payment)) is not None:
        return result
    age_s = max(task.age_s, event_age_s)
    if task.outcome_unknown:
        soon = can_be_undone(requested) and unknown_for_s is not None and was_sent_lately(age_s, unknown_for_s)
        unlisted = unknown_for_s is not None and unknown_for_s >= not_listed_after_s
        return LookUp(is_final=unlisted if soon else task.age_s >= missing_after_s)
    if _stripe_answered(requested, payment):
        return LookUp(is_final=False)
    expired = is_expired(requested, event_age_s)
    if (expired or _is_canceled_unsent(requested, payment)) and task.attempts < _TRIED:
        # To be sure: the row may be another one than that which it was sent for. After an attempt that we know of, the
        # intent is created, and the next task cancels it.
        return _hold_after_recovery(task, lease_s) or LookUp(is_final=True, expired=True)
    too_old = TaskResult.outcome_unknown(delay_s=lookup_after_s, error="too old to be sent again")
    return too_old if expired or age_s >= RESEND_HORIZON_S else Call()


def _hold_after_recovery(task: Task, lease_s: float) -> TaskResult | None:
    """Return that it is too early to look up: an attempt that a recovery lost may be under way, or not shown yet."""
    if task.reopened_for_s is None or task.reopened_for_s >= searchable_after_s(lease_s):
        return None
    wait_s = searchable_after_s(lease_s) - max(0.0, task.reopened_for_s)
    return TaskResult.defer(delay_s=wait_s, error="it may have been sent before the log was recovered")


def searchable_after_s(lease_s: float) -> float:
    """Return how long after its claim the search shows what a task sent: when the lease is over, and the lag.

    What is younger is listed rather than searched for. A lease counts as a minute at least: clocks differ.
    """
    return max(lease_s, SEARCH_LAG_S) + SEARCH_LAG_S


def may_be_sent_for_s(requested: PaymentRequested) -> float:
    """Return for how long after its event a creation may be sent."""
    expires_s = requested.expires_in_seconds
    return RESEND_HORIZON_S if expires_s is None else min(float(expires_s), RESEND_HORIZON_S)


def can_be_undone(requested: PaymentEvent) -> bool:
    """Whether it does no harm to call it failed though it may still happen.

    A creation is undone, a confirmation and a cancellation are of one intent, which is charged or canceled once. Money
    that was captured or refunded does not come back.
    """
    return not isinstance(requested, PaymentCaptureRequested | RefundRequested)


def was_sent_lately(age_s: float, unknown_for_s: float) -> bool:
    """Whether Stripe itself answered that it is unknown, rather than that it was too old to be sent."""
    return age_s - unknown_for_s < RESEND_HORIZON_S


def _stripe_answered(requested: PaymentEvent, payment: PaymentState) -> bool:
    """Whether the requested object is in the log: the task was lost and made again, and its key may be forgotten."""
    match requested:
        case PaymentRequested():
            return payment.intent_id is not None
        case RefundRequested():
            refund = payment.refunds.get(requested.refund_id)
            return refund is not None and refund.stripe_refund_id is not None
        case _:
            return False


def is_expired(requested: PaymentEvent, age_s: float) -> bool:
    """Whether it is too late to ask Stripe for it: nobody counts on the charge any more."""
    match requested:
        case PaymentRequested() | PaymentConfirmationRequested():
            return requested.expires_in_seconds is not None and age_s >= requested.expires_in_seconds
        case _:
            return False


def _is_canceled_unsent(requested: PaymentEvent, payment: PaymentState) -> bool:
    return isinstance(requested, PaymentRequested) and payment.cancel_requested is not None


def is_obsolete(requested: PaymentEvent, payment: PaymentState) -> bool:
    """Whether the request has its outcome, or an object at Stripe that tells it: nobody need wait."""
    return _without_stripe(_TRIED, requested, payment) is not None or _stripe_answered(requested, payment)


def is_open(requested: PaymentEvent, payment: PaymentState) -> bool:
    """Whether a capture, a cancellation or a refund has no outcome: without a task, nobody asks Stripe for it again."""
    match requested:
        case PaymentCaptureRequested():
            capture = payment.capture_requested
            return capture is not None and capture.request_id == requested.request_id
        case PaymentCancelRequested():
            cancellation = payment.cancel_requested
            return cancellation is not None and cancellation.request_id == requested.request_id
        case RefundRequested():
            refund = payment.refunds.get(requested.refund_id)
            return refund is not None and refund.status is RefundStatus.PENDING and refund.stripe_refund_id is None
        case _:
            return False


def _without_stripe(attempts: int, requested: PaymentEvent, payment: PaymentState) -> TaskResult | None:
    match requested:
        case RefundRequested():
            refund = payment.refunds.get(requested.refund_id)
            is_over = refund is not None and refund.status is not RefundStatus.PENDING
        case PaymentCancelRequested() if payment.status is PaymentStatus.SUCCEEDED:
            failed = RecordCancelFailed(
                request_id=requested.request_id,
                code="payment_intent_unexpected_state",
                message="The payment had succeeded already.",
            )
            return TaskResult.done((failed,))
        case PaymentConfirmationRequested():
            # Before it was sent, what Stripe told can only be of an earlier attempt.
            is_answered = attempts >= _TRIED and not payment.confirmation_requested
            is_over = payment.is_terminal or payment.status is PaymentStatus.REQUIRES_CAPTURE or is_answered
        case PaymentCaptureRequested() | PaymentCancelRequested():
            is_over = payment.is_terminal or not is_open(requested, payment)
        case _:
            is_over = payment.is_terminal
    return TaskResult.done() if is_over else None
