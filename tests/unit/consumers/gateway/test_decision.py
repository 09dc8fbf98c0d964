"""What a finished call comes to: the events to append, and how its task goes on."""

from dataclasses import replace
from typing import Any

import pytest

from consumers.gateway.decision import Decision, FinishedCall, is_superseded, requesting_event, unknown_since
from consumers.tasks.models import Task, TaskOperation
from consumers.tasks.results import TaskResult
from domain.ids import AttemptId, RefundId, RequestId, StripeChargeId, StripeIntentId, StripeRefundId
from domain.money import Money
from domain.payment.commands import CapturePayment, ConfirmPayment, RequestRefund
from domain.payment.events import PaymentEvent, TaskOutcomeUnknown
from domain.payment.observations import (
    PaymentObservation,
    RecordAttemptFailed,
    RecordAuthorized,
    RecordIntentCreated,
    RecordOutcomeUnknown,
    RecordRefundFailed,
    RecordRefundSucceeded,
    RecordSucceeded,
)
from domain.payment.values import CaptureMethod, PaymentStatus, RefundStatus
from event_store.payments import LoadedPayment
from schemas.envelope import RecordedEvent
from schemas.events import PAYMENT_CODEC
from tests.unit.consumers.gateway.gateway_objects import INTENT_ID, REFUND_ID, REQUEST_ID, a_loaded_payment, a_task

NO_EVENTS = LoadedPayment(state=None, version=0, events=())
TEN = Money(amount_cents=1000, currency="USD")
INTENT, CHARGE = StripeIntentId(INTENT_ID), StripeChargeId("ch_1")
SUCCEEDED = RecordSucceeded(intent_id=INTENT, amount_captured=TEN, charge_id=CHARGE)
HELD = RecordAuthorized(intent_id=INTENT, amount=TEN, charge_id=CHARGE)
CREATED = RecordIntentCreated(intent_id=INTENT, status=PaymentStatus.REQUIRES_CONFIRMATION)
REFUND = RequestRefund(refund_id=RefundId(REFUND_ID), amount=TEN)
CAPTURE = CapturePayment(request_id=RequestId(REQUEST_ID))
UNKNOWN = TaskResult.outcome_unknown(delay_s=600, error="500 api_error: No.")


def task_of(payment: LoadedPayment, operation: TaskOperation = TaskOperation.CREATE_INTENT, **fields: Any) -> Task:
    """Return the task of the payment's last event."""
    return a_task(operation, event_id=payment.events[-1].event_id, **fields)


def decided(payment: LoadedPayment, task: Task, result: TaskResult) -> Decision:
    decision = Decision(FinishedCall(task=task, payment=payment, result=result))
    decision.decide(payment)
    return decision


def names(decision: Decision) -> list[str]:
    return [type(event).__name__ for event in decision.events]


async def test_what_stripe_said_is_recorded_and_the_task_is_done() -> None:
    payment = await a_loaded_payment()
    decision = decided(payment, task_of(payment), TaskResult.done((SUCCEEDED,)))
    assert names(decision) == ["PaymentIntentCreated", "PaymentSucceeded"]
    assert decision.state is not None
    assert decision.state.status is PaymentStatus.SUCCEEDED
    assert (decision.is_done, decision.contradictions) == (True, 0)
    assert decision.result == TaskResult.done((SUCCEEDED,))


@pytest.mark.parametrize(
    "result", [TaskResult.retry(delay_s=5, error="no answer"), TaskResult.dead("key"), TaskResult.done()]
)
async def test_a_call_of_which_stripe_said_nothing_records_nothing(result: TaskResult) -> None:
    payment = await a_loaded_payment()
    decision = decided(payment, task_of(payment), result)
    assert (decision.events, decision.state, decision.result) == ((), payment.state, result)


async def test_an_unknown_outcome_is_recorded_once_with_its_reason() -> None:
    payment = await a_loaded_payment()
    task = task_of(payment)
    decision = decided(payment, task, UNKNOWN)
    assert decision.events == (
        TaskOutcomeUnknown(event_id=task.event_id, operation="create_intent", reason="500 api_error: No."),
    )
    assert (decision.is_done, decision.result) == (False, UNKNOWN)
    again = decided(payment, replace(task, outcome_unknown=True), UNKNOWN)
    assert (again.events, again.result) == ((), UNKNOWN)
    assert decided(NO_EVENTS, task, UNKNOWN).events == (), "of no payment nothing is recorded"


async def test_what_the_log_refuses_is_a_dead_letter_that_says_why() -> None:
    payment = await a_loaded_payment()
    refused = RecordRefundFailed(refund_id=RefundId(REFUND_ID), stripe_refund_id=None, code="declined", message="No.")
    decision = decided(payment, task_of(payment), TaskResult.done((refused,)))
    assert (decision.events, decision.state, decision.is_done) == ((), payment.state, False)
    assert decision.result.error is not None
    assert decision.result == TaskResult.dead(decision.result.error)
    assert decision.result.error.startswith(f"InconsistentObservation: No refund {REFUND_ID} was requested")


@pytest.mark.parametrize("operation", TaskOperation)
async def test_a_contradiction_ends_every_call_but_a_reading(operation: TaskOperation) -> None:
    payment = await a_loaded_payment(SUCCEEDED)
    less = replace(SUCCEEDED, amount_captured=Money(amount_cents=999, currency="USD"))
    decision = decided(payment, task_of(payment, operation), TaskResult.done((less,)))
    assert (names(decision), decision.contradictions) == (["PaymentContradicted"], 1)
    is_reading = operation is TaskOperation.REFRESH_PAYMENT
    assert decision.is_done is is_reading
    if is_reading:
        assert decision.result == TaskResult.done((less,))
    else:
        assert "10.00 USD was captured, not 9.99 USD" in str(decision.result.error)
        assert decision.result == TaskResult.dead(str(decision.result.error))


@pytest.mark.parametrize(
    ("commands", "request_fields", "says_nothing", "completes"),
    [
        (
            (SUCCEEDED, REFUND),
            {},
            SUCCEEDED,
            RecordRefundSucceeded(refund_id=RefundId(REFUND_ID), stripe_refund_id=StripeRefundId("re_1")),
        ),
        ((HELD, CAPTURE), {"capture_method": CaptureMethod.MANUAL}, HELD, SUCCEEDED),
    ],
    ids=["refund", "capture"],
)
async def test_no_task_is_done_whose_request_is_left_open(
    commands: tuple[Any, ...],
    request_fields: dict[str, Any],
    says_nothing: PaymentObservation,
    completes: PaymentObservation,
) -> None:
    payment = await a_loaded_payment(*commands, **request_fields)
    left = decided(payment, task_of(payment), TaskResult.done((says_nothing,)))
    assert left.is_done, "what was said is recorded"
    assert left.result == TaskResult.dead("What Stripe said does not tell what became of it.")
    completed = decided(payment, task_of(payment), TaskResult.done((completes,)))
    assert completed.result == TaskResult.done((completes,))


async def test_it_is_made_anew_when_the_payment_turns_out_newer() -> None:
    before = await a_loaded_payment(SUCCEEDED)
    now = await a_loaded_payment(SUCCEEDED, REFUND)
    refunded = RecordRefundSucceeded(refund_id=RefundId(REFUND_ID), stripe_refund_id=StripeRefundId("re_1"))
    decision = decided(before, task_of(now), TaskResult.done((refunded,)))
    assert (names(decision), decision.is_done) == (["PaymentContradicted"], False)
    assert [type(event).__name__ for event in decision.decide(now)] == ["RefundSucceeded"]
    assert (decision.payment, decision.is_done, decision.contradictions) == (now, True, 0)
    assert decision.state is not None
    assert decision.state.refunds[RefundId(REFUND_ID)].status is RefundStatus.SUCCEEDED
    assert decision.result == TaskResult.done((refunded,))


async def test_a_call_is_of_the_event_that_requested_it() -> None:
    payment = await a_loaded_payment(SUCCEEDED, REFUND)
    for event in payment.events:
        assert requesting_event(a_task(event_id=event.event_id), payment) == event
    assert requesting_event(a_task(), payment) is None


async def test_an_outcome_is_unknown_since_it_was_first_recorded_so() -> None:
    requested = await a_loaded_payment()
    task = task_of(requested)

    def unknown(of: Task) -> RecordOutcomeUnknown:
        return RecordOutcomeUnknown(event_id=of.event_id, operation="create_intent", reason="500")

    payment = await a_loaded_payment(unknown(a_task()), unknown(task), unknown(task))
    assert unknown_since(task, payment) == payment.events[2].recorded_at
    assert unknown_since(a_task(), payment) == payment.events[1].recorded_at
    assert unknown_since(task, requested) is None


async def test_a_confirmation_gives_way_to_a_later_one_and_to_nothing_else() -> None:
    declined = RecordAttemptFailed(intent_id=INTENT, attempt_id=AttemptId("ch_1"), code="card_declined", message="No.")
    payment = await a_loaded_payment(
        CREATED,
        declined,
        ConfirmPayment(payment_method="pm_2"),
        replace(declined, attempt_id=AttemptId("ch_2")),
        ConfirmPayment(payment_method="pm_3"),
        SUCCEEDED,
        confirm=False,
    )
    superseded = [event for event in payment.events if is_superseded(_decoded(event), event.version, payment)]
    confirmations = [event for event in payment.events if event.type == "payment.confirmation_requested"]
    assert len(confirmations) == 2
    assert superseded == confirmations[:1]


def _decoded(event: RecordedEvent) -> PaymentEvent:
    return PAYMENT_CODEC.decode(event)
