"""What Stripe says of a charge, in whatever order it arrives.

An attempt goes requires_action, processing, then requires_capture or succeeded, or back to
requires_payment_method (https://docs.stripe.com/payments/paymentintents/lifecycle). So a fact is news only in
a status that can come before its own; money held, and a settled payment, absorb what was before them. Only
going back to requires_payment_method makes a circle: there, attempts that failed are known by their id, and
an action or processing that was seen before is news only when a new confirmation waits for its outcome. A
failure without an id is news unless it is the one that shows.
"""

from typing import assert_never

from domain.money import Money
from domain.payment.errors import InconsistentFact
from domain.payment.events import (
    IntentEvent,
    PaymentActionRequired,
    PaymentAttemptFailed,
    PaymentAuthorized,
    PaymentCanceled,
    PaymentFailed,
    PaymentIntentCreated,
    PaymentProcessing,
    PaymentSucceeded,
)
from domain.payment.facts import (
    IntentFact,
    RecordActionRequired,
    RecordAttemptFailed,
    RecordAuthorized,
    RecordCanceled,
    RecordIntentCreated,
    RecordPaymentFailed,
    RecordProcessing,
    RecordSucceeded,
)
from domain.payment.state import LastError, NextAction, PaymentState
from domain.payment.values import PaymentStatus

_BEFORE_ACTION = frozenset(
    {
        PaymentStatus.PENDING,
        PaymentStatus.REQUIRES_PAYMENT_METHOD,
        PaymentStatus.REQUIRES_CONFIRMATION,
        PaymentStatus.REQUIRES_ACTION,
    }
)
_OPEN = _BEFORE_ACTION | {PaymentStatus.PROCESSING}
"""No money is held and none will come without Stripe saying so."""


def record(state: PaymentState, fact: IntentFact) -> tuple[IntentEvent, ...]:
    """Take Stripe's word; whatever tells the intent's id first also records that it was created."""
    _check_same_intent(state, fact)
    news = _news(state, fact)
    if news is None:
        return ()
    created = _created_before(state, fact)
    return (news,) if created is None or isinstance(news, PaymentIntentCreated) else (created, news)


def _news(state: PaymentState, fact: IntentFact) -> IntentEvent | None:  # noqa: PLR0911 - one line per kind of fact
    match fact:
        case RecordIntentCreated():
            return _intent_created(state, fact)
        case RecordActionRequired():
            return _action_required(state, fact)
        case RecordProcessing():
            return _processing(state)
        case RecordAttemptFailed():
            return _attempt_failed(state, fact)
        case RecordAuthorized():
            return _authorized(state, fact)
        case RecordSucceeded():
            return _succeeded(state, fact)
        case RecordPaymentFailed():
            return _payment_failed(state, fact)
        case RecordCanceled():
            return None if state.is_terminal else PaymentCanceled(reason=fact.reason)
        case _:
            assert_never(fact)


def _intent_created(state: PaymentState, fact: RecordIntentCreated) -> PaymentIntentCreated | None:
    if state.is_terminal or state.intent_id is not None:
        return None
    return PaymentIntentCreated(intent_id=fact.intent_id, status=fact.status)


def _action_required(state: PaymentState, fact: RecordActionRequired) -> PaymentActionRequired | None:
    action = NextAction(type=fact.action_type, redirect_url=fact.redirect_url)
    is_news = action not in state.actions_seen or state.confirmation_requested
    if state.status not in _BEFORE_ACTION or not is_news:
        return None
    return PaymentActionRequired(action_type=fact.action_type, redirect_url=fact.redirect_url)


def _processing(state: PaymentState) -> PaymentProcessing | None:
    is_news = not state.processing_seen or state.confirmation_requested
    return PaymentProcessing() if state.status in _BEFORE_ACTION and is_news else None


def _attempt_failed(state: PaymentState, fact: RecordAttemptFailed) -> PaymentAttemptFailed | None:
    if state.status not in _OPEN or fact.attempt_id in state.attempts_failed:
        return None
    if fact.attempt_id is None and not _is_another_failure(state, fact):
        return None
    return PaymentAttemptFailed(
        attempt_id=fact.attempt_id or f"attempt_{len(state.attempts_failed) + 1}",
        code=fact.code,
        decline_code=fact.decline_code,
        message=fact.message,
    )


def _is_another_failure(state: PaymentState, fact: RecordAttemptFailed) -> bool:
    """Whether a failure without a name is news: not while it shows, nor while an attempt of ours has no outcome."""
    if state.status is not PaymentStatus.REQUIRES_PAYMENT_METHOD:
        return not state.confirmation_requested
    failure = LastError(code=fact.code, decline_code=fact.decline_code, message=fact.message)
    return not state.confirmation_requested and failure != state.last_error


def _payment_failed(state: PaymentState, fact: RecordPaymentFailed) -> PaymentFailed | None:
    if state.status not in _OPEN:
        return None
    return PaymentFailed(code=fact.code, decline_code=fact.decline_code, message=fact.message)


def _authorized(state: PaymentState, fact: RecordAuthorized) -> PaymentAuthorized | None:
    _check_charge(state, fact.charge_id)
    _check_taken(state, fact.amount, most=state.amount)
    if state.status is PaymentStatus.REQUIRES_CAPTURE and fact.amount != state.amount_authorized:
        raise _inconsistent(state, f"{state.amount_authorized} is held, not {fact.amount}")
    if fact.amount < state.amount_captured:
        raise _inconsistent(state, f"{state.amount_captured} was captured of {fact.amount}")
    tells_more = state.status is PaymentStatus.REQUIRES_CAPTURE and _tells_the_end(state, fact)
    if state.status not in _OPEN and not tells_more:
        return None
    return PaymentAuthorized(amount=fact.amount, charge_id=fact.charge_id, capture_before=fact.capture_before)


def _tells_the_end(state: PaymentState, fact: RecordAuthorized) -> bool:
    """Whether it says when the hold ends, and nobody had said so yet: not every answer of Stripe shows the charge."""
    return state.capture_before is None and fact.capture_before is not None


def _succeeded(state: PaymentState, fact: RecordSucceeded) -> PaymentSucceeded | None:
    _check_charge(state, fact.charge_id)
    is_held = state.status is PaymentStatus.REQUIRES_CAPTURE
    _check_taken(state, fact.amount_captured, most=state.amount_authorized if is_held else state.amount)
    if state.status is PaymentStatus.SUCCEEDED:
        if fact.amount_captured != state.amount_captured:
            raise _inconsistent(state, f"{state.amount_captured} was captured, not {fact.amount_captured}")
        return None
    if state.is_terminal:
        raise _inconsistent(state, f"{fact.amount_captured} was captured, yet the payment is {state.status}")
    return PaymentSucceeded(amount_captured=fact.amount_captured, charge_id=fact.charge_id)


def _created_before(state: PaymentState, fact: IntentFact) -> PaymentIntentCreated | None:
    if state.intent_id is not None or isinstance(fact, RecordPaymentFailed) or fact.intent_id is None:
        return None
    status = PaymentStatus.REQUIRES_CONFIRMATION if state.payment_method else PaymentStatus.REQUIRES_PAYMENT_METHOD
    return PaymentIntentCreated(intent_id=fact.intent_id, status=status)


def _check_same_intent(state: PaymentState, fact: IntentFact) -> None:
    if isinstance(fact, RecordPaymentFailed) or fact.intent_id is None or state.intent_id is None:
        return
    if fact.intent_id != state.intent_id:
        raise _inconsistent(state, f"The intent is {state.intent_id}, not {fact.intent_id}")


def _check_charge(state: PaymentState, charge_id: str) -> None:
    if state.charge_id is not None and charge_id != state.charge_id:
        raise _inconsistent(state, f"The charge is {state.charge_id}, not {charge_id}")
    if any(dispute.charge_id != charge_id for dispute in state.disputes.values()):
        raise _inconsistent(state, f"The disputed charge is not {charge_id}")


def _check_taken(state: PaymentState, amount: Money, *, most: Money) -> None:
    if amount.currency != state.amount.currency:
        raise _inconsistent(state, f"The payment is in {state.amount.currency}, not in {amount.currency}")
    if amount > most or amount.amount_cents == 0:
        raise _inconsistent(state, f"{amount} was taken, of {most}")


def _inconsistent(state: PaymentState, reason: str) -> InconsistentFact:
    return InconsistentFact(payment_id=state.payment_id, reason=reason)
