"""What is concluded from the end of a call: facts to record, another attempt, a look-up, or a dead letter. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from consumers.gateway import backoff
from consumers.gateway.outcomes import Broken, Fault, HeldBack, Outcome, Refused, Retryable, Succeeded, Unknown
from consumers.stripe.translate.payments import UnexpectedObject, intent_facts, refund_facts
from consumers.tasks.models import Task
from domain.ids import StripeIntentId
from domain.payment.decide import decide
from domain.payment.events import (
    PaymentCancelRequested,
    PaymentCaptureRequested,
    PaymentEvent,
    PaymentRequested,
    RefundRequested,
)
from domain.payment.observations import (
    PaymentObservation,
    RecordAttemptFailed,
    RecordCanceled,
    RecordCancelFailed,
    RecordCaptureFailed,
    RecordIntentCreated,
    RecordPaymentFailed,
    RecordRefundFailed,
)
from domain.payment.state import NOT_PROCESSED, PaymentState

JsonObject = dict[str, Any]

EXPIRED = "expired"
"""Why a payment ended that Stripe could not be asked for in time; Stripe's own word for an intent that is too old:
https://docs.stripe.com/api/payment_intents/object#payment_intent_object-cancellation_reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finish:
    """The task is done; record what is news of these facts."""

    facts: tuple[PaymentObservation, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class TryAgain:
    """The same call with the same key, `delay_s` from now."""

    delay_s: float
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PutOff:
    """Nothing was sent: as if it had not been tried, `delay_s` from now."""

    delay_s: float
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AskLater:
    """Never send it again; ask Stripe `delay_s` from now what became of it."""

    delay_s: float
    error: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Watch:
    """What was called failed is not at Stripe; look again `delay_s` from now whether it appears."""

    delay_s: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Bury:
    """A person has to look."""

    error: str


Conclusion = Finish | TryAgain | PutOff | AskLater | Watch | Bury


def conclude(
    task: Task,
    asked: PaymentEvent,
    outcome: Outcome,
    *,
    lookup_after_s: float,
    uniform: Callable[[float, float], float],
) -> Conclusion:
    """Return what follows from the outcome of the call that the event `asked` for."""
    match outcome:
        case Succeeded():
            return _concluded(task, asked, outcome.answer)
        case Refused():
            return _refused(task, asked, outcome)
        case Retryable():
            wait = backoff.delay_s(task.attempts, floor_s=outcome.floor_s, cap_s=outcome.cap_s, uniform=uniform)
            return TryAgain(delay_s=wait, error=outcome.reason)
        case Unknown():
            return AskLater(delay_s=lookup_after_s, error=outcome.reason)
        case Broken():
            return Bury(error=outcome.reason)
        case HeldBack():
            return _put_off(outcome, uniform)


def not_read(
    task: Task, outcome: Refused | Retryable | Unknown | Broken | HeldBack, *, uniform: Callable[[float, float], float]
) -> Conclusion:
    """Return what follows when a payment could not be read. A read changes nothing, so it can always be done again."""
    match outcome:
        case HeldBack():
            return _put_off(outcome, uniform)
        case Retryable():
            wait = backoff.delay_s(task.attempts, floor_s=outcome.floor_s, cap_s=outcome.cap_s, uniform=uniform)
            return TryAgain(delay_s=wait, error=outcome.reason)
        case Unknown() | Broken():
            return TryAgain(delay_s=backoff.CAP_S, error=outcome.reason)
        case Refused():
            return Bury(error=f"Stripe does not show it: {outcome.fault.code}: {outcome.fault.message}")


def _put_off(outcome: HeldBack, uniform: Callable[[float, float], float]) -> PutOff:
    # Not all at once when the time has come.
    return PutOff(delay_s=outcome.wait_s + uniform(0.0, outcome.wait_s), error=outcome.reason)


def looked_up(
    task: Task,
    asked: PaymentEvent,
    found: JsonObject | None,
    payment: PaymentState,
    *,
    is_final: bool,
    lookup_after_s: float,
    expired: bool = False,
) -> Conclusion:
    """Return what follows from a look-up. Not found is believed only when it is final.

    `expired`: what was not done is not to be done any more. Nor is it believed before that an object that stands as it
    stood says that nothing was done. But of a confirmation it may tell an attempt that `payment` has not heard of: that
    was this one.
    """
    if found is None:
        shown, failed = Finish(), _never_done(task, asked, expired=expired)
        error = "Stripe does not know of it yet"
    else:
        concluded = _concluded(task, asked, found)
        if not isinstance(concluded, Finish):
            return concluded
        shown, failed, error = concluded, (), "Stripe shows the payment as it was before"
        if _says_nothing_of(asked, found):
            if not (_attempts(asked) and _tells_of_a_new_attempt(payment, shown.facts)):
                failed = _never_done(task, asked, expired=expired)
        elif isinstance(asked, PaymentRequested) and asked.confirm:
            failed = _never_confirmed(task, shown.facts)
    if failed and not is_final:
        return AskLater(delay_s=lookup_after_s, error=error)
    return Finish(facts=(*shown.facts, *failed))


def _attempts(asked: PaymentEvent) -> bool:
    """Whether what was asked for attempts the payment: an attempt that Stripe shows may be this one."""
    return not isinstance(asked, PaymentCaptureRequested | PaymentCancelRequested)


def _tells_of_a_new_attempt(payment: PaymentState, facts: tuple[PaymentObservation, ...]) -> bool:
    return any(isinstance(fact, RecordAttemptFailed) and decide(payment, fact) for fact in facts)


def _never_confirmed(task: Task, facts: tuple[PaymentObservation, ...]) -> tuple[PaymentObservation, ...]:
    """Say that the attempt failed when the intent was made and no more: it can be confirmed again."""
    return tuple(
        RecordAttemptFailed(
            intent_id=fact.intent_id,
            attempt_id=str(task.event_id),
            code=NOT_PROCESSED,
            decline_code=None,
            message="Stripe did not process the confirmation.",
        )
        for fact in facts
        if isinstance(fact, RecordIntentCreated)
    )


def _concluded(task: Task, asked: PaymentEvent, answer: JsonObject) -> Conclusion:
    try:
        if isinstance(asked, RefundRequested):
            return Finish(facts=refund_facts(answer, refund_id=asked.refund_id))
        return Finish(facts=intent_facts(answer, attempt_id=str(task.event_id) if _attempts(asked) else None))
    except UnexpectedObject as error:
        return Bury(error=str(error))


def _refused(task: Task, asked: PaymentEvent, refused: Refused) -> Conclusion:
    """Believe the intent that Stripe shows; and that the wish failed, unless the intent says otherwise."""
    fault = refused.fault
    if fault.intent is None or isinstance(asked, RefundRequested):
        return Finish(facts=(_failed(task, asked, fault),))
    shown = _concluded(task, asked, fault.intent)
    if isinstance(shown, Finish) and _says_nothing_of(asked, fault.intent):
        return Finish(facts=(*shown.facts, _failed(task, asked, fault)))
    return shown


def _says_nothing_of(asked: PaymentEvent, intent: JsonObject) -> bool:
    """Whether the intent stands where it stood before what was asked for: then that did not happen."""
    match asked:
        case PaymentRequested() | RefundRequested():
            return False  # there was nothing before
        case PaymentCaptureRequested():
            return bool(intent.get("status") == "requires_capture")
        case PaymentCancelRequested():
            return bool(intent.get("status") != "canceled")
        case _:
            return intent.get("status") in {"requires_payment_method", "requires_confirmation"}


def _failed(task: Task, asked: PaymentEvent, fault: Fault) -> PaymentObservation:
    return failure(
        asked,
        attempt_id=fault.charge_id or str(task.event_id),
        intent_id=(fault.intent or {}).get("id"),
        code=fault.code,
        decline_code=fault.decline_code,
        message=fault.message,
    )


def _never_done(task: Task, asked: PaymentEvent, *, expired: bool) -> tuple[PaymentObservation, ...]:
    if expired and isinstance(asked, PaymentRequested):
        return (RecordCanceled(intent_id=None, reason=EXPIRED),)
    return (
        failure(
            asked,
            attempt_id=str(task.event_id),
            intent_id=None,
            code=EXPIRED if expired else NOT_PROCESSED,
            decline_code=None,
            message="Stripe could not be asked in time." if expired else "Stripe did not process the request.",
        ),
    )


def failure(
    asked: PaymentEvent,
    *,
    attempt_id: str,
    intent_id: StripeIntentId | None,
    code: str,
    decline_code: str | None,
    message: str,
) -> PaymentObservation:
    """Return the fact that what the event asked for failed. The domain drops it when the payment moved on."""
    match asked:
        case PaymentRequested():
            return RecordPaymentFailed(code=code, decline_code=decline_code, message=message)
        case PaymentCaptureRequested():
            return RecordCaptureFailed(request_id=asked.request_id, code=code, message=message)
        case PaymentCancelRequested():
            return RecordCancelFailed(request_id=asked.request_id, code=code, message=message)
        case RefundRequested():
            return RecordRefundFailed(refund_id=asked.refund_id, stripe_refund_id=None, code=code, message=message)
        case _:
            return RecordAttemptFailed(
                intent_id=intent_id,
                attempt_id=attempt_id,
                code=code,
                decline_code=decline_code,
                message=message,
            )
