"""What follows from the end of a call: observations to record, another attempt, a look-up or a dead letter. Pure."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from consumers.gateway.failures import never_confirmed, never_done, refused_observation
from consumers.gateway.outcomes import (
    RETRIES,
    Broken,
    CallOutcome,
    FailedCall,
    Refused,
    Retryable,
    Succeeded,
    Throttled,
    UnknownOutcome,
)
from consumers.stripe.translate.errors import UnexpectedObject
from consumers.stripe.translate.payments import intent_observations, refund_observations
from consumers.tasks.models import Task, TaskStatus
from consumers.tasks.results import TaskResult
from domain.ids import AttemptId
from domain.payment.decide import decide
from domain.payment.events import (
    PaymentCancelRequested,
    PaymentCaptureRequested,
    PaymentEvent,
    PaymentRequested,
    RefundRequested,
)
from domain.payment.observations import PaymentObservation, RecordAttemptFailed
from domain.payment.state import PaymentState

JsonObject = dict[str, Any]
Uniform = Callable[[float, float], float]


def result_of_call(
    task: Task,
    requested: PaymentEvent,
    outcome: CallOutcome,
    *,
    lookup_after_s: float,
    uniform: Uniform,
) -> TaskResult:
    """Return what follows from the outcome of the call for the event `requested`."""
    match outcome:
        case Succeeded():
            return _result_of_object(task, requested, outcome.answer)
        case Refused():
            return _result_of_refusal(task, requested, outcome)
        case Retryable():
            return _retry(task, outcome, uniform)
        case UnknownOutcome():
            return TaskResult.outcome_unknown(delay_s=lookup_after_s, error=outcome.reason)
        case Broken():
            return TaskResult.dead(outcome.reason)
        case Throttled():
            return _defer(outcome, uniform)


def result_of_failed_read(task: Task, outcome: FailedCall, *, uniform: Uniform) -> TaskResult:
    """Return what follows when a payment could not be read. A read changes nothing, so it can always be done again."""
    match outcome:
        case Throttled():
            return _defer(outcome, uniform)
        case Retryable():
            return _retry(task, outcome, uniform)
        case UnknownOutcome(reason=reason):  # no failure is stored for a read: it has no idempotency key
            return _retry(task, Retryable(reason=reason), uniform)
        case Broken():
            return TaskResult.retry(delay_s=RETRIES.longest_s, error=outcome.reason)
        case Refused():
            return TaskResult.dead(f"Stripe does not show it: {outcome.fault.code}: {outcome.fault.message}")


def _retry(task: Task, outcome: Retryable, uniform: Uniform) -> TaskResult:
    pause_s = replace(RETRIES, longest_s=outcome.cap_s).jittered_s(task.attempts, uniform)
    return TaskResult.retry(delay_s=max(outcome.floor_s, pause_s), error=outcome.reason)


def _defer(outcome: Throttled, uniform: Uniform) -> TaskResult:
    # Not all at once when the time has come.
    return TaskResult.defer(delay_s=outcome.wait_s + uniform(0.0, outcome.wait_s), error=outcome.reason)


def result_of_look_up(
    task: Task,
    requested: PaymentEvent,
    found: JsonObject | None,
    payment: PaymentState,
    *,
    is_final: bool,
    lookup_after_s: float,
    expired: bool = False,
) -> TaskResult:
    """Return what follows from a look-up. Not found is believed only when it is final.

    `expired`: it is too late to do what was not done. An object that stands as it stood says that nothing was
    done, which is believed only then, too. But after a confirmation it may show an attempt that `payment` does not
    know: that was this one.
    """
    if found is None:
        shown, failed = TaskResult.done(), never_done(task, requested, payment, expired=expired)
        error = "Stripe does not know of it yet"
    else:
        shown = _result_of_object(task, requested, found)
        if shown.status is not TaskStatus.DONE:
            return shown
        failed, error = (), "Stripe shows the payment as it was before"
        if _says_nothing_of(requested, found):
            if not (_attempts(requested) and _tells_of_a_new_attempt(payment, shown.observations)):
                failed = never_done(task, requested, payment, expired=expired)
        elif isinstance(requested, PaymentRequested) and requested.confirm:
            failed = never_confirmed(task, shown.observations)
    if failed and not is_final:
        return TaskResult.outcome_unknown(delay_s=lookup_after_s, error=error)
    return TaskResult.done((*shown.observations, *failed))


def _attempts(requested: PaymentEvent) -> bool:
    """Whether the event requests an attempt of the payment: an attempt that Stripe shows may be this one."""
    return not isinstance(requested, PaymentCaptureRequested | PaymentCancelRequested)


def _tells_of_a_new_attempt(payment: PaymentState, observations: tuple[PaymentObservation, ...]) -> bool:
    return any(isinstance(each, RecordAttemptFailed) and decide(payment, each) for each in observations)


def _result_of_object(task: Task, requested: PaymentEvent, answer: JsonObject) -> TaskResult:
    try:
        if isinstance(requested, RefundRequested):
            return TaskResult.done(refund_observations(answer, refund_id=requested.refund_id))
        attempt_id = AttemptId(str(task.event_id)) if _attempts(requested) else None
        return TaskResult.done(intent_observations(answer, attempt_id=attempt_id))
    except UnexpectedObject as error:
        return TaskResult.dead(str(error))


def _result_of_refusal(task: Task, requested: PaymentEvent, refused: Refused) -> TaskResult:
    """Believe the intent that Stripe shows; and that the request failed, unless the intent says otherwise."""
    fault = refused.fault
    if fault.intent is None or isinstance(requested, RefundRequested):
        return TaskResult.done((refused_observation(task, requested, fault),))
    shown = _result_of_object(task, requested, fault.intent)
    if shown.status is TaskStatus.DONE and _says_nothing_of(requested, fault.intent):
        return TaskResult.done((*shown.observations, refused_observation(task, requested, fault)))
    return shown


def _says_nothing_of(requested: PaymentEvent, intent: JsonObject) -> bool:
    """Whether the intent stands where it stood before what was asked for: then that did not happen."""
    match requested:
        case PaymentRequested() | RefundRequested():
            return False  # there was nothing before
        case PaymentCaptureRequested():
            return bool(intent.get("status") == "requires_capture")
        case PaymentCancelRequested():
            return bool(intent.get("status") != "canceled")
        case _:
            return intent.get("status") in {"requires_payment_method", "requires_confirmation"}
