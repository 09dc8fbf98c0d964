"""What is done with a task: the rule of 23 hours above all."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.gateway.plan import RESEND_HORIZON_S, Call, GiveUpSending, LookUp, Plan, Settle, is_moot, is_open
from consumers.gateway.plan import plan as plan_with
from consumers.tasks.models import Operation, Task
from domain.ids import EventId, RequestId, StripeChargeId, StripeRefundId
from domain.money import Money
from domain.payment.commands import (
    CancelPayment,
    CapturePayment,
    ConfirmPayment,
    GiveUpTask,
    PaymentCommand,
    RequestRefund,
)
from domain.payment.events import PaymentCancelRequested, PaymentConfirmationRequested, PaymentEvent, PaymentRequested
from domain.payment.observations import (
    RecordAttemptFailed,
    RecordAuthorized,
    RecordCanceled,
    RecordCancelFailed,
    RecordCaptureFailed,
    RecordIntentCreated,
    RecordPaymentFailed,
    RecordRefundPending,
    RecordRefundSucceeded,
    RecordSucceeded,
)
from domain.payment.state import PaymentState
from domain.payment.values import CaptureMethod, PaymentStatus
from tests.unit.consumers.gateway.gateway_objects import (
    EVENT_ID,
    INTENT_ID,
    REFUND_ID,
    REQUEST_ID,
    a_payment,
    a_task,
)

TEN = Money(amount_cents=1000, currency="USD")
CREATED = RecordIntentCreated(intent_id=INTENT_ID, status=PaymentStatus.REQUIRES_CONFIRMATION)
SUCCEEDED = RecordSucceeded(intent_id=INTENT_ID, amount_captured=TEN, charge_id=StripeChargeId("ch_1"))
HELD = RecordAuthorized(intent_id=INTENT_ID, amount=TEN, charge_id=StripeChargeId("ch_1"))
CANCEL = CancelPayment(request_id=RequestId(REQUEST_ID), reason="abandoned")
REFUND = RequestRefund(refund_id=REFUND_ID, amount=TEN)
DAY_S = 24 * 3600.0


def plan(
    task: Task, asked: PaymentEvent, payment: PaymentState, *, event_age_s: float = 0, is_superseded: bool = False
) -> Plan:
    return plan_with(task, asked, payment, event_age_s=event_age_s, is_superseded=is_superseded, missing_after_s=DAY_S)


def test_a_new_payment_is_created() -> None:
    payment, asked = a_payment()
    assert plan(a_task(), asked, payment) == Call()


@given(
    age_s=st.floats(0, 10 * DAY_S),
    event_age_s=st.floats(0, 10 * DAY_S),
    attempts=st.integers(1, 1000),
    unknown=st.booleans(),
)
def test_a_key_older_than_23_hours_is_never_sent_again(
    age_s: float, event_age_s: float, attempts: int, unknown: bool
) -> None:
    payment, asked = a_payment()
    task = a_task(age_s=age_s, attempts=attempts, outcome_unknown=unknown)
    planned = plan(task, asked, payment, event_age_s=event_age_s)
    may_send = max(age_s, event_age_s) < RESEND_HORIZON_S and not unknown
    assert isinstance(planned, Call) == may_send


@pytest.mark.parametrize(
    ("operation", "history"),
    [
        (Operation.CREATE_INTENT, ()),
        (Operation.CONFIRM_INTENT, (CREATED, ConfirmPayment())),
        (Operation.CANCEL_INTENT, (CREATED, CANCEL)),
        (Operation.CREATE_REFUND, (SUCCEEDED, REFUND)),
    ],
)
def test_a_task_that_was_restored_goes_by_the_age_of_its_event(
    operation: Operation, history: tuple[PaymentCommand, ...]
) -> None:
    """Its first attempt is not known any more: the key may have been used, and forgotten by Stripe."""
    payment, asked = a_payment(*history, confirm=False)
    assert plan(a_task(operation), asked, payment, event_age_s=RESEND_HORIZON_S - 1) == Call()
    assert plan(a_task(operation), asked, payment, event_age_s=RESEND_HORIZON_S) == GiveUpSending()


def test_a_task_that_is_too_old_is_left_in_peace_and_then_looked_up() -> None:
    payment, asked = a_payment()
    assert plan(a_task(age_s=RESEND_HORIZON_S), asked, payment) == GiveUpSending()
    assert plan(a_task(age_s=RESEND_HORIZON_S, outcome_unknown=True), asked, payment) == LookUp(is_final=False)
    assert plan(a_task(age_s=DAY_S, outcome_unknown=True), asked, payment) == LookUp(is_final=True)


def test_when_a_missing_call_was_never_done_is_a_setting_and_sends_nothing() -> None:
    payment, asked = a_payment()
    soon = partial(plan_with, event_age_s=61, is_superseded=False, missing_after_s=60)
    assert soon(a_task(age_s=61, outcome_unknown=True), asked, payment) == LookUp(is_final=True)
    assert soon(a_task(age_s=61), asked, payment) == Call()


@pytest.mark.parametrize(
    ("operation", "history", "is_final"),
    [
        (Operation.CREATE_INTENT, (), True),
        (Operation.CONFIRM_INTENT, (CREATED, ConfirmPayment()), True),
        (Operation.CANCEL_INTENT, (CREATED, CANCEL), True),
        (Operation.CREATE_REFUND, (SUCCEEDED, REFUND), False),
        (Operation.CAPTURE_INTENT, (HELD, CapturePayment(request_id=RequestId(REQUEST_ID))), False),
    ],
)
def test_what_can_be_undone_fails_soon_and_nothing_else_does(
    operation: Operation, history: tuple[PaymentCommand, ...], *, is_final: bool
) -> None:
    payment, asked = a_payment(*history, confirm=False)
    task = a_task(operation, age_s=31, outcome_unknown=True)
    soon = partial(
        plan_with,
        task,
        asked,
        payment,
        event_age_s=31,
        is_superseded=False,
        missing_after_s=DAY_S,
        not_listed_after_s=30,
    )
    assert soon(unknown_for_s=29) == LookUp(is_final=False)
    assert soon(unknown_for_s=30) == LookUp(is_final=is_final)


def test_what_was_too_old_to_be_sent_does_not_fail_soon() -> None:
    payment, asked = a_payment()
    task = a_task(age_s=60, outcome_unknown=True)
    planned = plan_with(
        task,
        asked,
        payment,
        event_age_s=RESEND_HORIZON_S + 60,
        is_superseded=False,
        missing_after_s=DAY_S,
        not_listed_after_s=30,
        unknown_for_s=60,
    )
    assert planned == LookUp(is_final=False)


def test_a_payment_to_cancel_before_stripe_heard_of_it_is_never_created() -> None:
    payment, _ = a_payment(CANCEL, confirm=False)
    requested = a_payment(confirm=False)[1]
    assert isinstance(requested, PaymentRequested)
    canceled = RecordCanceled(intent_id=None, reason="abandoned")
    assert plan(a_task(), requested, payment) == Settle(facts=(canceled,))


def test_once_stripe_may_have_heard_of_it_the_creation_is_finished_first() -> None:
    payment, _ = a_payment(CANCEL, confirm=False)
    requested = a_payment(confirm=False)[1]
    assert plan(a_task(attempts=2), requested, payment) == Call()


def test_cancelling_what_was_never_created_asks_nothing_of_stripe() -> None:
    payment, _ = a_payment(CANCEL, RecordCanceled(intent_id=None), confirm=False)
    asked = PaymentCancelRequested(request_id=RequestId(REQUEST_ID), reason=None)
    assert plan(a_task(Operation.CANCEL_INTENT), asked, payment) == Settle()


def test_cancelling_a_payment_that_has_succeeded_fails_without_asking() -> None:
    payment, _ = a_payment(CREATED, SUCCEEDED)
    planned = plan(
        a_task(Operation.CANCEL_INTENT), PaymentCancelRequested(request_id=RequestId(REQUEST_ID), reason=None), payment
    )
    assert isinstance(planned, Settle)
    (fact,) = planned.facts
    assert isinstance(fact, RecordCancelFailed)
    assert fact.request_id == REQUEST_ID


def test_an_open_cancellation_is_asked_of_stripe() -> None:
    payment, asked = a_payment(CREATED, CANCEL, confirm=False)
    assert plan(a_task(Operation.CANCEL_INTENT), asked, payment) == Call()


def test_a_confirmation_is_dropped_when_the_money_is_held_already() -> None:
    payment, _ = a_payment(HELD, capture_method=CaptureMethod.MANUAL)
    asked = PaymentConfirmationRequested(payment_method=None)
    assert plan(a_task(Operation.CONFIRM_INTENT), asked, payment) == Settle()


def test_an_open_confirmation_and_an_open_capture_are_asked_of_stripe() -> None:
    payment, asked = a_payment(CREATED, ConfirmPayment(), confirm=False)
    assert plan(a_task(Operation.CONFIRM_INTENT), asked, payment) == Call()
    payment, asked = a_payment(
        HELD, CapturePayment(request_id=RequestId(REQUEST_ID)), capture_method=CaptureMethod.MANUAL
    )
    assert plan(a_task(Operation.CAPTURE_INTENT), asked, payment) == Call()


@pytest.mark.parametrize("end", [SUCCEEDED, RecordPaymentFailed(code="no", message="No.")])
def test_creation_is_over_when_the_payment_is(end: RecordSucceeded | RecordPaymentFailed) -> None:
    payment, _ = a_payment(end)
    assert plan(a_task(attempts=2), a_payment()[1], payment) == Settle()


def test_a_refund_is_asked_for_until_its_outcome_is_known() -> None:
    payment, asked = a_payment(CREATED, SUCCEEDED, REFUND)
    assert plan(a_task(Operation.CREATE_REFUND), asked, payment) == Call()
    done = RecordRefundSucceeded(refund_id=REFUND_ID, stripe_refund_id=StripeRefundId("re_1"))
    payment, _ = a_payment(CREATED, SUCCEEDED, REFUND, done)
    assert plan(a_task(Operation.CREATE_REFUND), asked, payment) == Settle()


def test_a_task_that_was_lost_and_made_again_never_repeats_what_stripe_did() -> None:
    created = a_payment(CREATED)[0]
    asked = a_payment()[1]
    assert plan(a_task(), asked, created) == LookUp(is_final=False)
    pending = RecordRefundPending(refund_id=REFUND_ID, stripe_refund_id=StripeRefundId("re_1"))
    refunding, _ = a_payment(SUCCEEDED, REFUND, pending)
    wanted = a_payment(SUCCEEDED, REFUND)[1]
    assert plan(a_task(Operation.CREATE_REFUND), wanted, refunding) == LookUp(is_final=False)


def test_a_wish_is_open_until_stripe_has_done_it_or_not() -> None:
    payment, canceling = a_payment(CREATED, CANCEL)
    assert is_open(canceling, payment)
    for outcome in (
        RecordCanceled(intent_id=INTENT_ID, reason=None),
        RecordCancelFailed(request_id=RequestId(REQUEST_ID), code="c", message="No."),
    ):
        assert not is_open(canceling, a_payment(CREATED, CANCEL, outcome)[0])
    capture = CapturePayment(request_id=RequestId(REQUEST_ID), amount=TEN)
    payment, capturing = a_payment(HELD, capture, capture_method=CaptureMethod.MANUAL)
    assert is_open(capturing, payment)
    assert not is_open(capturing, a_payment(HELD, capture, SUCCEEDED, capture_method=CaptureMethod.MANUAL)[0])
    payment, refunding = a_payment(SUCCEEDED, REFUND)
    assert is_open(refunding, payment)
    pending = RecordRefundPending(refund_id=REFUND_ID, stripe_refund_id=StripeRefundId("re_1"))
    assert not is_open(refunding, a_payment(SUCCEEDED, REFUND, pending)[0])
    payment, creating = a_payment()
    assert not is_open(creating, payment), "a creation ends when the intent is known"


@given(age_s=st.floats(0, 10 * DAY_S), unknown=st.booleans())
def test_a_task_that_was_given_up_is_never_sent_and_never_looked_up(age_s: float, unknown: bool) -> None:
    _, asked = a_payment(CREATED, SUCCEEDED, REFUND)
    give_up = GiveUpTask(event_id=EventId(EVENT_ID), operation="create_refund", actor="ada", reason="paid in cash")
    payment, _ = a_payment(CREATED, SUCCEEDED, REFUND, give_up)
    task = a_task(Operation.CREATE_REFUND, age_s=age_s, outcome_unknown=unknown, attempts=3)
    assert plan(task, asked, payment) == Settle()
    another = a_task(Operation.CREATE_REFUND, event_id=REQUEST_ID)
    assert plan(another, asked, payment) == Call()


def test_stripe_need_not_be_asked_for_what_is_over() -> None:
    open_refund, asked = a_payment(CREATED, SUCCEEDED, REFUND)
    done = RecordRefundSucceeded(refund_id=REFUND_ID, stripe_refund_id=StripeRefundId("re_1"))
    assert not is_moot(asked, open_refund)
    assert is_moot(asked, a_payment(CREATED, SUCCEEDED, REFUND, done)[0])


def test_a_payment_to_be_canceled_is_asked_for_once_stripe_may_know_it() -> None:
    _, asked = a_payment(confirm=False)
    to_be_canceled, _ = a_payment(CANCEL, confirm=False)
    assert not is_moot(asked, to_be_canceled)


def test_a_capture_or_cancellation_that_has_its_answer_is_not_sent_again() -> None:
    capture = CapturePayment(request_id=RequestId(REQUEST_ID), amount=TEN)
    payment, capturing = a_payment(HELD, capture, capture_method=CaptureMethod.MANUAL)
    assert plan(a_task(Operation.CAPTURE_INTENT), capturing, payment) == Call()
    failed = RecordCaptureFailed(request_id=RequestId(REQUEST_ID), code="c", message="No.")
    answered, _ = a_payment(HELD, capture, failed, capture_method=CaptureMethod.MANUAL)
    assert plan(a_task(Operation.CAPTURE_INTENT), capturing, answered) == Settle()
    another = CapturePayment(request_id=RequestId(EVENT_ID), amount=TEN)
    again, _ = a_payment(HELD, capture, failed, another, capture_method=CaptureMethod.MANUAL)
    assert plan(a_task(Operation.CAPTURE_INTENT), capturing, again) == Settle(), "the open one is another"
    _, canceling = a_payment(CREATED, CANCEL)
    refused, _ = a_payment(
        CREATED, CANCEL, RecordCancelFailed(request_id=RequestId(REQUEST_ID), code="c", message="No.")
    )
    assert plan(a_task(Operation.CANCEL_INTENT), canceling, refused) == Settle()


def test_a_confirmation_is_sent_once_and_not_after_its_answer() -> None:
    failed = RecordAttemptFailed(intent_id=INTENT_ID, attempt_id="ch_1", code="c", decline_code=None, message="No.")
    _, confirming = a_payment(CREATED, ConfirmPayment(), confirm=False)
    answered, _ = a_payment(CREATED, ConfirmPayment(), failed, confirm=False)
    assert plan(a_task(Operation.CONFIRM_INTENT, attempts=2), confirming, answered) == Settle()
    assert plan(a_task(Operation.CONFIRM_INTENT), confirming, answered) == Call(), "that was of an earlier attempt"
    again, _ = a_payment(CREATED, ConfirmPayment(), failed, ConfirmPayment(), confirm=False)
    assert plan(a_task(Operation.CONFIRM_INTENT), confirming, again, is_superseded=True) == Settle()


@pytest.mark.parametrize("expires_in_s", [60, 24 * 3600])
@pytest.mark.parametrize("late_s", [0, 1, 100 * 3600])
def test_a_charge_that_expired_unsent_is_not_sent_any_more(expires_in_s: int, late_s: float) -> None:
    payment, asked = a_payment(expires_in_seconds=expires_in_s)
    planned = plan(a_task(), asked, payment, event_age_s=expires_in_s + late_s)
    assert planned == LookUp(is_final=True, expired=True)
    confirming = PaymentConfirmationRequested(payment_method=None, expires_in_seconds=expires_in_s)
    created, _ = a_payment(CREATED)
    task = a_task(Operation.CONFIRM_INTENT)
    assert plan(task, confirming, created, event_age_s=expires_in_s + late_s) == planned


def test_a_charge_is_sent_until_it_expires() -> None:
    payment, asked = a_payment(expires_in_seconds=60)
    assert plan(a_task(), asked, payment, event_age_s=59.9) == Call()


def test_what_may_have_been_sent_before_it_expired_is_left_to_look_up() -> None:
    payment, asked = a_payment(expires_in_seconds=60)
    assert plan(a_task(attempts=2), asked, payment, event_age_s=61) == GiveUpSending()
    unknown = a_task(attempts=2, outcome_unknown=True)
    assert plan(unknown, asked, payment, event_age_s=61) == LookUp(is_final=False)


def test_what_stripe_answered_before_it_expired_counts() -> None:
    (payment, _), (_, asked) = a_payment(CREATED, expires_in_seconds=60), a_payment(expires_in_seconds=60)
    assert plan(a_task(), asked, payment, event_age_s=61) == LookUp(is_final=False)
