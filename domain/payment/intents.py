"""What Stripe says of a charge, in whatever order it arrives.

An attempt goes requires_action, processing, then requires_capture or succeeded, or back to
requires_payment_method (https://docs.stripe.com/payments/paymentintents/lifecycle). So an observation is new
only in a status that can come before its own; once money is held or the payment has ended, earlier ones are ignored.
Only going back to requires_payment_method makes a circle: there, failed attempts are known by their id, and an action
or processing that was seen before is new only when a new confirmation waits for its outcome. A failure without an id is
new unless the last one was the same.
"""

from typing import assert_never

from domain.ids import AttemptId, StripeChargeId
from domain.money import Money
from domain.payment.errors import InconsistentObservation
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
from domain.payment.observations import (
    IntentObservation,
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
"""No money is held or captured."""


def record(state: PaymentState, observed: IntentObservation) -> tuple[IntentEvent, ...]:
    """Record what is new; the first observation with the intent's id also records that it was created."""
    _check_same_intent(state, observed)
    change = _change(state, observed)
    if change is None:
        return ()
    created = _created_before(state, observed)
    return (change,) if created is None or isinstance(change, PaymentIntentCreated) else (created, change)


def _change(state: PaymentState, observed: IntentObservation) -> IntentEvent | None:  # noqa: PLR0911 - one line per type
    match observed:
        case RecordIntentCreated():
            return _intent_created(state, observed)
        case RecordActionRequired():
            return _action_required(state, observed)
        case RecordProcessing():
            return _processing(state)
        case RecordAttemptFailed():
            return _attempt_failed(state, observed)
        case RecordAuthorized():
            return _authorized(state, observed)
        case RecordSucceeded():
            return _succeeded(state, observed)
        case RecordPaymentFailed():
            return _payment_failed(state, observed)
        case RecordCanceled():
            return None if state.is_terminal else PaymentCanceled(reason=observed.reason)
        case _:
            assert_never(observed)


def _intent_created(state: PaymentState, observed: RecordIntentCreated) -> PaymentIntentCreated | None:
    if state.is_terminal or state.intent_id is not None:
        return None
    return PaymentIntentCreated(intent_id=observed.intent_id, status=observed.status)


def _action_required(state: PaymentState, observed: RecordActionRequired) -> PaymentActionRequired | None:
    action = NextAction(type=observed.action_type, redirect_url=observed.redirect_url)
    is_new = action not in state.actions_seen or state.confirmation_requested
    if state.status not in _BEFORE_ACTION or not is_new:
        return None
    return PaymentActionRequired(action_type=observed.action_type, redirect_url=observed.redirect_url)


def _processing(state: PaymentState) -> PaymentProcessing | None:
    is_new = not state.processing_seen or state.confirmation_requested
    return PaymentProcessing() if state.status in _BEFORE_ACTION and is_new else None


def _attempt_failed(state: PaymentState, observed: RecordAttemptFailed) -> PaymentAttemptFailed | None:
    if state.status not in _OPEN or observed.attempt_id in state.attempts_failed:
        return None
    if observed.attempt_id is None and not _is_another_failure(state, observed):
        return None
    return PaymentAttemptFailed(
        attempt_id=observed.attempt_id or AttemptId(f"attempt_{len(state.attempts_failed) + 1}"),
        code=observed.code,
        decline_code=observed.decline_code,
        message=observed.message,
    )


def _is_another_failure(state: PaymentState, observed: RecordAttemptFailed) -> bool:
    """Whether a failure without an id is new: not if it is the last one, nor while an attempt has no outcome."""
    if state.status is not PaymentStatus.REQUIRES_PAYMENT_METHOD:
        return not state.confirmation_requested
    failure = LastError(code=observed.code, decline_code=observed.decline_code, message=observed.message)
    return not state.confirmation_requested and failure != state.last_failure


def _payment_failed(state: PaymentState, observed: RecordPaymentFailed) -> PaymentFailed | None:
    if state.status not in _OPEN:
        return None
    return PaymentFailed(code=observed.code, decline_code=observed.decline_code, message=observed.message)


def _authorized(state: PaymentState, observed: RecordAuthorized) -> PaymentAuthorized | None:
    _check_charge(state, observed.charge_id)
    _check_amount(state, observed.amount, most=state.amount)
    if state.status is PaymentStatus.REQUIRES_CAPTURE and observed.amount != state.amount_authorized:
        raise _inconsistent(state, f"{state.amount_authorized} is held, not {observed.amount}")
    if observed.amount < state.amount_captured:
        raise _inconsistent(state, f"{state.amount_captured} was captured of {observed.amount}")
    if _ended_unasked(state):
        raise _inconsistent(state, f"{observed.amount} is held, yet the payment is {state.status}")
    is_more_precise = state.status is PaymentStatus.REQUIRES_CAPTURE and _adds_capture_before(state, observed)
    if state.status not in _OPEN and not is_more_precise:
        return None
    return PaymentAuthorized(
        amount=observed.amount, charge_id=observed.charge_id, capture_before=observed.capture_before
    )


def _ended_unasked(state: PaymentState) -> bool:
    """Whether it was concluded here that nothing is charged: Stripe does not know, and may hold money all the same."""
    is_canceled_here = state.status is PaymentStatus.CANCELED and state.intent_id is None
    return is_canceled_here or state.status is PaymentStatus.FAILED


def _adds_capture_before(state: PaymentState, observed: RecordAuthorized) -> bool:
    """Whether it says for the first time when the hold ends: not every answer of Stripe shows the charge."""
    return state.capture_before is None and observed.capture_before is not None


def _succeeded(state: PaymentState, observed: RecordSucceeded) -> PaymentSucceeded | None:
    _check_charge(state, observed.charge_id)
    is_held = state.status is PaymentStatus.REQUIRES_CAPTURE
    _check_amount(state, observed.amount_captured, most=state.amount_authorized if is_held else state.amount)
    if state.status is PaymentStatus.SUCCEEDED:
        if observed.amount_captured != state.amount_captured:
            raise _inconsistent(state, f"{state.amount_captured} was captured, not {observed.amount_captured}")
        return None
    if state.is_terminal:
        raise _inconsistent(state, f"{observed.amount_captured} was captured, yet the payment is {state.status}")
    return PaymentSucceeded(amount_captured=observed.amount_captured, charge_id=observed.charge_id)


def _created_before(state: PaymentState, observed: IntentObservation) -> PaymentIntentCreated | None:
    if state.intent_id is not None or isinstance(observed, RecordPaymentFailed) or observed.intent_id is None:
        return None
    status = PaymentStatus.REQUIRES_CONFIRMATION if state.payment_method else PaymentStatus.REQUIRES_PAYMENT_METHOD
    return PaymentIntentCreated(intent_id=observed.intent_id, status=status)


def _check_same_intent(state: PaymentState, observed: IntentObservation) -> None:
    if isinstance(observed, RecordPaymentFailed) or observed.intent_id is None or state.intent_id is None:
        return
    if observed.intent_id != state.intent_id:
        raise _inconsistent(state, f"The intent is {state.intent_id}, not {observed.intent_id}")


def _check_charge(state: PaymentState, charge_id: StripeChargeId) -> None:
    if state.charge_id is not None and charge_id != state.charge_id:
        raise _inconsistent(state, f"The charge is {state.charge_id}, not {charge_id}")
    if any(dispute.charge_id != charge_id for dispute in state.disputes.values()):
        raise _inconsistent(state, f"The disputed charge is not {charge_id}")


def _check_amount(state: PaymentState, amount: Money, *, most: Money) -> None:
    if amount.currency != state.amount.currency:
        raise _inconsistent(state, f"The payment is in {state.amount.currency}, not in {amount.currency}")
    if amount > most or amount.amount_cents == 0:
        raise _inconsistent(state, f"{amount} was taken, of {most}")


def _inconsistent(state: PaymentState, reason: str) -> InconsistentObservation:
    return InconsistentObservation(payment_id=state.payment_id, reason=reason)
