"""What is done with a task: the rule of 23 hours above all."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.gateway import plan
from consumers.gateway.plan import RESEND_HORIZON_S, Call, LookUp, NextStep, is_obsolete, is_open
from consumers.tasks.models import Task, TaskOperation
from consumers.tasks.results import TaskResult
from domain.ids import AttemptId, EventId, RefundId, RequestId, StripeChargeId, StripeIntentId, StripeRefundId
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
CREATED = RecordIntentCreated(intent_id=StripeIntentId(INTENT_ID), status=PaymentStatus.REQUIRES_CONFIRMATION)
SUCCEEDED = RecordSucceeded(intent_id=StripeIntentId(INTENT_ID), amount_captured=TEN, charge_id=StripeChargeId("ch_1"))
HELD = RecordAuthorized(intent_id=StripeIntentId(INTENT_ID), amount=TEN, charge_id=StripeChargeId("ch_1"))
CANCEL = CancelPayment(request_id=RequestId(REQUEST_ID), reason="abandoned")
REFUND = RequestRefund(refund_id=RefundId(REFUND_ID), amount=TEN)
DAY_S = 24 * 3600.0
step_with = partial(plan.next_step, lookup_after_s=1.0)
TOO_OLD = TaskResult.outcome_unknown(delay_s=1.0, error="too old to be sent again")


def next_step(
    task: Task,
    requested: PaymentEvent,
    payment: PaymentState,
    *,
    event_age_s: float = 0,
    is_superseded: bool = False,
    lease_s: float = 30,
) -> NextStep:
    return step_with(
        task,
        requested,
        payment,
        event_age_s=event_age_s,
        is_superseded=is_superseded,
        missing_after_s=DAY_S,
        lease_s=lease_s,
    )


def test_a_new_payment_is_created() -> None:
    payment, requested = a_payment()
    assert next_step(a_task(), requested, payment) == Call()


@given(
    age_s=st.floats(0, 10 * DAY_S),
    event_age_s=st.floats(0, 10 * DAY_S),
    attempts=st.integers(1, 1000),
    unknown=st.booleans(),
)
def test_a_key_older_than_23_hours_is_never_sent_again(
    age_s: float, event_age_s: float, attempts: int, unknown: bool
) -> None:
    payment, requested = a_payment()
    task = a_task(age_s=age_s, attempts=attempts, outcome_unknown=unknown)
    step = next_step(task, requested, payment, event_age_s=event_age_s)
    may_send = max(age_s, event_age_s) < RESEND_HORIZON_S and not unknown
    assert isinstance(step, Call) == may_send


@pytest.mark.parametrize(
    ("operation", "history"),
    [
        (TaskOperation.CREATE_INTENT, ()),
        (TaskOperation.CONFIRM_INTENT, (CREATED, ConfirmPayment())),
        (TaskOperation.CANCEL_INTENT, (CREATED, CANCEL)),
        (TaskOperation.CREATE_REFUND, (SUCCEEDED, REFUND)),
    ],
)
def test_a_task_that_was_restored_goes_by_the_age_of_its_event(
    operation: TaskOperation, history: tuple[PaymentCommand, ...]
) -> None:
    """Its first attempt is not known any more: the key may have been used, and forgotten by Stripe."""
    payment, requested = a_payment(*history, confirm=False)
    assert next_step(a_task(operation), requested, payment, event_age_s=RESEND_HORIZON_S - 1) == Call()
    assert next_step(a_task(operation), requested, payment, event_age_s=RESEND_HORIZON_S) == TOO_OLD


def test_a_task_that_is_too_old_is_left_in_peace_and_then_looked_up() -> None:
    payment, requested = a_payment()
    assert next_step(a_task(age_s=RESEND_HORIZON_S), requested, payment) == TOO_OLD
    assert next_step(a_task(age_s=RESEND_HORIZON_S, outcome_unknown=True), requested, payment) == LookUp(is_final=False)
    assert next_step(a_task(age_s=DAY_S, outcome_unknown=True), requested, payment) == LookUp(is_final=True)


def test_when_a_missing_call_was_never_done_is_a_setting_and_sends_nothing() -> None:
    payment, requested = a_payment()
    soon = partial(step_with, event_age_s=61, is_superseded=False, missing_after_s=60, lease_s=30)
    assert soon(a_task(age_s=61, outcome_unknown=True), requested, payment) == LookUp(is_final=True)
    assert soon(a_task(age_s=61), requested, payment) == Call()


@pytest.mark.parametrize(
    ("operation", "history", "is_final"),
    [
        (TaskOperation.CREATE_INTENT, (), True),
        (TaskOperation.CONFIRM_INTENT, (CREATED, ConfirmPayment()), True),
        (TaskOperation.CANCEL_INTENT, (CREATED, CANCEL), True),
        (TaskOperation.CREATE_REFUND, (SUCCEEDED, REFUND), False),
        (TaskOperation.CAPTURE_INTENT, (HELD, CapturePayment(request_id=RequestId(REQUEST_ID))), False),
    ],
)
def test_what_can_be_undone_fails_soon_and_nothing_else_does(
    operation: TaskOperation, history: tuple[PaymentCommand, ...], *, is_final: bool
) -> None:
    payment, requested = a_payment(*history, confirm=False)
    task = a_task(operation, age_s=31, outcome_unknown=True)
    soon = partial(
        step_with,
        task,
        requested,
        payment,
        event_age_s=31,
        is_superseded=False,
        missing_after_s=DAY_S,
        not_listed_after_s=30,
        lease_s=30,
    )
    assert soon(unknown_for_s=29) == LookUp(is_final=False)
    assert soon(unknown_for_s=30) == LookUp(is_final=is_final)


def test_what_was_too_old_to_be_sent_does_not_fail_soon() -> None:
    payment, requested = a_payment()
    task = a_task(age_s=60, outcome_unknown=True)
    step = step_with(
        task,
        requested,
        payment,
        event_age_s=RESEND_HORIZON_S + 60,
        is_superseded=False,
        missing_after_s=DAY_S,
        not_listed_after_s=30,
        unknown_for_s=60,
        lease_s=30,
    )
    assert step == LookUp(is_final=False)


def test_a_payment_to_cancel_before_stripe_heard_of_it_is_never_created() -> None:
    payment, _ = a_payment(CANCEL, confirm=False)
    requested = a_payment(confirm=False)[1]
    assert isinstance(requested, PaymentRequested)
    assert next_step(a_task(), requested, payment) == LookUp(is_final=True, expired=True)


def test_once_stripe_may_have_heard_of_it_the_creation_is_finished_first() -> None:
    payment, _ = a_payment(CANCEL, confirm=False)
    requested = a_payment(confirm=False)[1]
    assert next_step(a_task(attempts=2), requested, payment) == Call()


def test_cancelling_what_was_never_created_asks_nothing_of_stripe() -> None:
    payment, _ = a_payment(CANCEL, RecordCanceled(intent_id=None), confirm=False)
    requested = PaymentCancelRequested(request_id=RequestId(REQUEST_ID), reason=None)
    assert next_step(a_task(TaskOperation.CANCEL_INTENT), requested, payment) == TaskResult.done()


def test_cancelling_a_payment_that_has_succeeded_fails_without_asking() -> None:
    payment, _ = a_payment(CREATED, SUCCEEDED)
    step = next_step(
        a_task(TaskOperation.CANCEL_INTENT),
        PaymentCancelRequested(request_id=RequestId(REQUEST_ID), reason=None),
        payment,
    )
    assert isinstance(step, TaskResult)
    (failed,) = step.observations
    assert isinstance(failed, RecordCancelFailed)
    assert failed.request_id == REQUEST_ID


def test_an_open_cancellation_is_asked_of_stripe() -> None:
    payment, requested = a_payment(CREATED, CANCEL, confirm=False)
    assert next_step(a_task(TaskOperation.CANCEL_INTENT), requested, payment) == Call()


def test_a_confirmation_is_dropped_when_the_money_is_held_already() -> None:
    payment, _ = a_payment(HELD, capture_method=CaptureMethod.MANUAL)
    requested = PaymentConfirmationRequested(payment_method=None)
    assert next_step(a_task(TaskOperation.CONFIRM_INTENT), requested, payment) == TaskResult.done()


def test_an_open_confirmation_and_an_open_capture_are_asked_of_stripe() -> None:
    payment, requested = a_payment(CREATED, ConfirmPayment(), confirm=False)
    assert next_step(a_task(TaskOperation.CONFIRM_INTENT), requested, payment) == Call()
    payment, requested = a_payment(
        HELD, CapturePayment(request_id=RequestId(REQUEST_ID)), capture_method=CaptureMethod.MANUAL
    )
    assert next_step(a_task(TaskOperation.CAPTURE_INTENT), requested, payment) == Call()


@pytest.mark.parametrize("end", [SUCCEEDED, RecordPaymentFailed(code="no", message="No.")])
def test_creation_is_over_when_the_payment_is(end: RecordSucceeded | RecordPaymentFailed) -> None:
    payment, _ = a_payment(end)
    assert next_step(a_task(attempts=2), a_payment()[1], payment) == TaskResult.done()


def test_a_refund_is_asked_for_until_its_outcome_is_known() -> None:
    payment, requested = a_payment(CREATED, SUCCEEDED, REFUND)
    assert next_step(a_task(TaskOperation.CREATE_REFUND), requested, payment) == Call()
    done = RecordRefundSucceeded(refund_id=RefundId(REFUND_ID), stripe_refund_id=StripeRefundId("re_1"))
    payment, _ = a_payment(CREATED, SUCCEEDED, REFUND, done)
    assert next_step(a_task(TaskOperation.CREATE_REFUND), requested, payment) == TaskResult.done()


def test_a_task_that_was_lost_and_made_again_never_repeats_what_stripe_did() -> None:
    created = a_payment(CREATED)[0]
    requested = a_payment()[1]
    assert next_step(a_task(), requested, created) == LookUp(is_final=False)
    pending = RecordRefundPending(refund_id=RefundId(REFUND_ID), stripe_refund_id=StripeRefundId("re_1"))
    refunding, _ = a_payment(SUCCEEDED, REFUND, pending)
    requested = a_payment(SUCCEEDED, REFUND)[1]
    assert next_step(a_task(TaskOperation.CREATE_REFUND), requested, refunding) == LookUp(is_final=False)


def test_a_request_is_open_until_stripe_has_done_it_or_not() -> None:
    payment, canceling = a_payment(CREATED, CANCEL)
    assert is_open(canceling, payment)
    for outcome in (
        RecordCanceled(intent_id=StripeIntentId(INTENT_ID), reason=None),
        RecordCancelFailed(request_id=RequestId(REQUEST_ID), code="c", message="No."),
    ):
        assert not is_open(canceling, a_payment(CREATED, CANCEL, outcome)[0])
    capture = CapturePayment(request_id=RequestId(REQUEST_ID), amount=TEN)
    payment, capturing = a_payment(HELD, capture, capture_method=CaptureMethod.MANUAL)
    assert is_open(capturing, payment)
    assert not is_open(capturing, a_payment(HELD, capture, SUCCEEDED, capture_method=CaptureMethod.MANUAL)[0])
    payment, refunding = a_payment(SUCCEEDED, REFUND)
    assert is_open(refunding, payment)
    pending = RecordRefundPending(refund_id=RefundId(REFUND_ID), stripe_refund_id=StripeRefundId("re_1"))
    assert not is_open(refunding, a_payment(SUCCEEDED, REFUND, pending)[0])
    payment, creating = a_payment()
    assert not is_open(creating, payment), "a creation ends when the intent is known"


@given(age_s=st.floats(0, 10 * DAY_S), unknown=st.booleans())
def test_a_task_that_was_given_up_is_never_sent_and_never_looked_up(age_s: float, unknown: bool) -> None:
    _, requested = a_payment(CREATED, SUCCEEDED, REFUND)
    give_up = GiveUpTask(event_id=EventId(EVENT_ID), operation="create_refund", actor="ada", reason="paid in cash")
    payment, _ = a_payment(CREATED, SUCCEEDED, REFUND, give_up)
    task = a_task(TaskOperation.CREATE_REFUND, age_s=age_s, outcome_unknown=unknown, attempts=3)
    assert next_step(task, requested, payment) == TaskResult.done()
    another = a_task(TaskOperation.CREATE_REFUND, event_id=REQUEST_ID)
    assert next_step(another, requested, payment) == Call()


def test_stripe_need_not_be_asked_for_what_is_over() -> None:
    open_refund, requested = a_payment(CREATED, SUCCEEDED, REFUND)
    done = RecordRefundSucceeded(refund_id=RefundId(REFUND_ID), stripe_refund_id=StripeRefundId("re_1"))
    assert not is_obsolete(requested, open_refund)
    assert is_obsolete(requested, a_payment(CREATED, SUCCEEDED, REFUND, done)[0])


def test_a_payment_to_be_canceled_is_asked_for_once_stripe_may_know_it() -> None:
    _, requested = a_payment(confirm=False)
    to_be_canceled, _ = a_payment(CANCEL, confirm=False)
    assert not is_obsolete(requested, to_be_canceled)


def test_a_capture_or_cancellation_that_has_its_answer_is_not_sent_again() -> None:
    capture = CapturePayment(request_id=RequestId(REQUEST_ID), amount=TEN)
    payment, capturing = a_payment(HELD, capture, capture_method=CaptureMethod.MANUAL)
    assert next_step(a_task(TaskOperation.CAPTURE_INTENT), capturing, payment) == Call()
    failed = RecordCaptureFailed(request_id=RequestId(REQUEST_ID), code="c", message="No.")
    answered, _ = a_payment(HELD, capture, failed, capture_method=CaptureMethod.MANUAL)
    assert next_step(a_task(TaskOperation.CAPTURE_INTENT), capturing, answered) == TaskResult.done()
    another = CapturePayment(request_id=RequestId(EVENT_ID), amount=TEN)
    again, _ = a_payment(HELD, capture, failed, another, capture_method=CaptureMethod.MANUAL)
    assert next_step(a_task(TaskOperation.CAPTURE_INTENT), capturing, again) == TaskResult.done(), (
        "the open one is another"
    )
    _, canceling = a_payment(CREATED, CANCEL)
    refused, _ = a_payment(
        CREATED, CANCEL, RecordCancelFailed(request_id=RequestId(REQUEST_ID), code="c", message="No.")
    )
    assert next_step(a_task(TaskOperation.CANCEL_INTENT), canceling, refused) == TaskResult.done()


def test_a_confirmation_is_sent_once_and_not_after_its_answer() -> None:
    failed = RecordAttemptFailed(
        intent_id=StripeIntentId(INTENT_ID), attempt_id=AttemptId("ch_1"), code="c", decline_code=None, message="No."
    )
    _, confirming = a_payment(CREATED, ConfirmPayment(), confirm=False)
    answered, _ = a_payment(CREATED, ConfirmPayment(), failed, confirm=False)
    assert next_step(a_task(TaskOperation.CONFIRM_INTENT, attempts=2), confirming, answered) == TaskResult.done()
    assert next_step(a_task(TaskOperation.CONFIRM_INTENT), confirming, answered) == Call(), (
        "that was of an earlier attempt"
    )
    again, _ = a_payment(CREATED, ConfirmPayment(), failed, ConfirmPayment(), confirm=False)
    assert next_step(a_task(TaskOperation.CONFIRM_INTENT), confirming, again, is_superseded=True) == TaskResult.done()


@pytest.mark.parametrize("expires_in_s", [60, 24 * 3600])
@pytest.mark.parametrize("late_s", [0, 1, 100 * 3600])
def test_a_charge_that_expired_unsent_is_not_sent_any_more(expires_in_s: int, late_s: float) -> None:
    payment, requested = a_payment(expires_in_seconds=expires_in_s)
    step = next_step(a_task(), requested, payment, event_age_s=expires_in_s + late_s)
    assert step == LookUp(is_final=True, expired=True)
    confirming = PaymentConfirmationRequested(payment_method=None, expires_in_seconds=expires_in_s)
    created, _ = a_payment(CREATED)
    task = a_task(TaskOperation.CONFIRM_INTENT)
    assert next_step(task, confirming, created, event_age_s=expires_in_s + late_s) == step


@pytest.mark.parametrize(("lease_s", "shown_after_s"), [(30, 120), (60, 120), (150, 210)])
@pytest.mark.parametrize("history", [(), (CANCEL,)], ids=["expired", "canceled"])
def test_what_a_recovery_may_have_lost_is_looked_up_when_stripe_shows_it(
    history: tuple[PaymentCommand, ...], lease_s: float, shown_after_s: float
) -> None:
    payment, _ = a_payment(*history, confirm=False, expires_in_seconds=60)
    requested = a_payment(confirm=False, expires_in_seconds=60)[1]
    held, fresh = (
        next_step(a_task(reopened_for_s=reopened_for_s), requested, payment, event_age_s=300, lease_s=lease_s)
        for reopened_for_s in (shown_after_s - 20, shown_after_s)
    )
    assert held == TaskResult.defer(delay_s=20, error="it may have been sent before the log was recovered")
    assert fresh == LookUp(is_final=True, expired=True)


def test_what_may_still_be_sent_is_sent_right_after_a_recovery() -> None:
    payment, requested = a_payment(expires_in_seconds=60)
    assert next_step(a_task(reopened_for_s=1), requested, payment, event_age_s=59) == Call()


def test_a_charge_is_sent_until_it_expires() -> None:
    payment, requested = a_payment(expires_in_seconds=60)
    assert next_step(a_task(), requested, payment, event_age_s=59.9) == Call()


def test_what_may_have_been_sent_before_it_expired_is_left_to_look_up() -> None:
    payment, requested = a_payment(expires_in_seconds=60)
    assert next_step(a_task(attempts=2), requested, payment, event_age_s=61) == TOO_OLD
    unknown = a_task(attempts=2, outcome_unknown=True)
    assert next_step(unknown, requested, payment, event_age_s=61) == LookUp(is_final=False)


def test_what_stripe_answered_before_it_expired_counts() -> None:
    (payment, _), (_, requested) = a_payment(CREATED, expires_in_seconds=60), a_payment(expires_in_seconds=60)
    assert next_step(a_task(), requested, payment, event_age_s=61) == LookUp(is_final=False)
