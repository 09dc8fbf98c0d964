"""From the end of a call to what is recorded, tried again, looked up or a dead letter."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consumers.gateway.outcomes import (
    RETRIES,
    Broken,
    CallOutcome,
    Refused,
    Retryable,
    Succeeded,
    Throttled,
    UnknownOutcome,
    classify,
)
from consumers.gateway.results import result_of_call, result_of_failed_read, result_of_look_up
from consumers.tasks.models import TaskStatus
from consumers.tasks.results import TaskResult
from domain.ids import AttemptId, RefundId, RequestId
from domain.money import Money
from domain.payment.commands import CancelPayment
from domain.payment.decide import decide
from domain.payment.events import (
    PaymentCancelRequested,
    PaymentCaptureRequested,
    PaymentConfirmationRequested,
    PaymentEvent,
    RefundRequested,
)
from domain.payment.evolve import fold
from domain.payment.observations import (
    PaymentObservation,
    RecordActionRequired,
    RecordAttemptFailed,
    RecordAuthorized,
    RecordCanceled,
    RecordCancelFailed,
    RecordCaptureFailed,
    RecordIntentCreated,
    RecordPaymentFailed,
    RecordRefundFailed,
    RecordRefundSucceeded,
    RecordSucceeded,
)
from domain.payment.state import PaymentState
from domain.payment.values import PaymentStatus
from tests.unit.consumers.gateway.gateway_objects import (
    EVENT_ID,
    INTENT_ID,
    REFUND_ID,
    REQUEST_ID,
    a_decline,
    a_fault,
    a_payment,
    a_task,
    an_intent,
)

TEN = Money(amount_cents=1000, currency="USD")
CREATE = a_payment()[1]
CONFIRM = PaymentConfirmationRequested(payment_method=None)
CAPTURE = PaymentCaptureRequested(request_id=RequestId(REQUEST_ID), amount=TEN)
CANCEL = PaymentCancelRequested(request_id=RequestId(REQUEST_ID), reason=None)
REFUND = RefundRequested(refund_id=RefundId(REFUND_ID), amount=TEN, reason=None)
SUCCEEDED = an_intent("succeeded", amount_received=1000, latest_charge="ch_1")
HELD = an_intent("requires_capture", amount_capturable=1000, latest_charge="ch_1")
DECLINED = an_intent("requires_payment_method", last_payment_error=a_decline())
NOT_AUTHENTICATED = an_intent(
    "requires_payment_method", last_payment_error={"code": "payment_intent_authentication_failure", "message": "No."}
)


def ended(requested: PaymentEvent, outcome: CallOutcome, **task: Any) -> TaskResult:
    return result_of_call(a_task(**task), requested, outcome, lookup_after_s=600, uniform=lambda _, high: high)


def looked_up(
    requested: PaymentEvent,
    found: dict[str, Any] | None,
    payment: PaymentState,
    *,
    is_final: bool,
    expired: bool = False,
) -> TaskResult:
    return result_of_look_up(
        a_task(), requested, found, payment, is_final=is_final, expired=expired, lookup_after_s=600
    )


def is_retry(result: TaskResult) -> bool:
    return result.status is TaskStatus.DUE and result.error is not None and not result.deferred


def observations(result: TaskResult) -> list[type[PaymentObservation]]:
    assert result.status is TaskStatus.DONE
    return [type(each) for each in result.observations]


def test_success_is_what_the_object_says() -> None:
    assert observations(ended(CREATE, Succeeded(answer=SUCCEEDED))) == [RecordSucceeded]
    refund = {"id": "re_1", "status": "succeeded"}
    assert observations(ended(REFUND, Succeeded(answer=refund))) == [RecordRefundSucceeded]


def test_a_declined_creation_leaves_an_intent_that_can_be_confirmed_again() -> None:
    fault = a_fault(402, type="card_error", code="card_declined", charge_id="ch_1", intent=DECLINED)
    result = ended(CREATE, Refused(fault=fault))
    assert result.status is TaskStatus.DONE
    (failed,) = result.observations
    assert isinstance(failed, RecordAttemptFailed)
    assert (failed.intent_id, failed.attempt_id, failed.decline_code) == (
        INTENT_ID,
        "ch_1",
        "insufficient_funds",
    )


def test_a_refused_creation_fails_the_payment() -> None:
    result = ended(CREATE, Refused(fault=a_fault(400, code="amount_too_small")))
    assert result == TaskResult.done((RecordPaymentFailed(code="amount_too_small", message="No."),))


def test_a_refused_confirmation_is_an_attempt_that_failed() -> None:
    result = ended(CONFIRM, Refused(fault=a_fault(404, code="resource_missing", param="payment_method")))
    assert result.status is TaskStatus.DONE
    (failed,) = result.observations
    assert isinstance(failed, RecordAttemptFailed)
    assert failed.attempt_id == str(EVENT_ID)


@pytest.mark.parametrize(
    ("requested", "intent", "expected"),
    [
        (CONFIRM, SUCCEEDED, [RecordSucceeded]),
        (CONFIRM, DECLINED, [RecordAttemptFailed, RecordAttemptFailed]),
        (
            CONFIRM,
            an_intent("requires_action", next_action={"type": "use_stripe_sdk"}),
            [RecordActionRequired],
        ),
        (CAPTURE, HELD, [RecordAuthorized, RecordCaptureFailed]),
        (CAPTURE, SUCCEEDED, [RecordSucceeded]),
        (CAPTURE, an_intent("canceled"), [RecordCanceled]),
        (CANCEL, SUCCEEDED, [RecordSucceeded, RecordCancelFailed]),
        (CANCEL, an_intent("canceled"), [RecordCanceled]),
    ],
)
def test_a_refusal_is_believed_only_where_the_intent_says_nothing_else(
    requested: PaymentEvent, intent: dict[str, Any], expected: list[type[PaymentObservation]]
) -> None:
    fault = a_fault(400, code="payment_intent_unexpected_state", intent=intent)
    assert observations(ended(requested, Refused(fault=fault))) == expected


SAID: dict[str, Any] = {"code": "charge_already_refunded", "message": "No."}


@pytest.mark.parametrize(
    ("requested", "failed"),
    [
        (REFUND, RecordRefundFailed(refund_id=RefundId(REFUND_ID), stripe_refund_id=None, **SAID)),
        (CAPTURE, RecordCaptureFailed(request_id=RequestId(REQUEST_ID), **SAID)),
        (CANCEL, RecordCancelFailed(request_id=RequestId(REQUEST_ID), **SAID)),
        (CREATE, RecordPaymentFailed(**SAID)),
        (CONFIRM, RecordAttemptFailed(intent_id=None, attempt_id=AttemptId(str(EVENT_ID)), **SAID)),
    ],
)
def test_what_is_refused_fails_alone_and_by_its_name(requested: PaymentEvent, failed: PaymentObservation) -> None:
    result = ended(requested, Refused(fault=a_fault(400, code="charge_already_refunded")))
    assert result == TaskResult.done((failed,))


def test_no_answer_is_tried_again_later_and_later() -> None:
    first = ended(CREATE, Retryable(reason="no answer"), attempts=1)
    fifth = ended(CREATE, Retryable(reason="no answer"), attempts=5)
    assert is_retry(first)
    assert is_retry(fifth)
    assert first.delay_s < fifth.delay_s


@given(attempts=st.integers(1, 10_000), share=st.floats(0, 1), floor=st.floats(0, 30))
def test_a_delay_lies_between_its_floor_and_the_cap(attempts: int, share: float, floor: float) -> None:
    result = result_of_call(
        a_task(attempts=attempts),
        CREATE,
        Retryable(reason="no answer", floor_s=floor),
        lookup_after_s=600,
        uniform=lambda low, high: low + share * (high - low),
    )
    assert floor <= result.delay_s <= max(RETRIES.longest_s, floor)


def test_what_was_throttled_is_deferred_for_longer_than_it_has_to() -> None:
    assert ended(CREATE, Throttled(wait_s=2, reason="open")) == TaskResult.defer(delay_s=4, error="open")


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (Throttled(wait_s=2, reason="open"), TaskResult.defer(delay_s=4, error="open")),
        (Retryable(reason="no answer"), TaskResult.retry(delay_s=0.5, error="no answer")),
        (UnknownOutcome(reason="500"), TaskResult.retry(delay_s=0.5, error="500")),
        (Broken(reason="key"), TaskResult.retry(delay_s=60, error="key")),
        (Refused(fault=a_fault(400)), TaskResult.dead("Stripe does not show it: parameter_invalid_integer: No.")),
    ],
)
def test_a_payment_that_could_not_be_read(
    outcome: Throttled | Retryable | UnknownOutcome | Broken | Refused, expected: TaskResult
) -> None:
    assert result_of_failed_read(a_task(), outcome, uniform=lambda _, high: high) == expected


def test_what_stripe_stored_as_its_own_failure_is_looked_up() -> None:
    assert ended(CREATE, UnknownOutcome(reason="500")) == TaskResult.outcome_unknown(delay_s=600, error="500")


@pytest.mark.parametrize("outcome", [Broken(reason="key reuse"), Succeeded(answer={"id": "pi_1"})])
def test_what_only_a_person_can_decide_is_a_dead_letter(outcome: CallOutcome) -> None:
    assert ended(CREATE, outcome).status is TaskStatus.DEAD


@pytest.mark.parametrize("requested", [CREATE, CONFIRM, CAPTURE, CANCEL, REFUND])
def test_what_is_not_found_is_believed_only_at_the_end(requested: PaymentEvent) -> None:
    soon = looked_up(requested, None, a_payment()[0], is_final=False)
    assert soon.status is TaskStatus.UNKNOWN
    late = looked_up(requested, None, a_payment()[0], is_final=True)
    assert late.status is TaskStatus.DONE
    assert getattr(late.observations[0], "code", None) == "not_processed"


@pytest.mark.parametrize(
    ("requested", "found", "expected"),
    [
        (CREATE, SUCCEEDED, [RecordSucceeded]),
        (CREATE, DECLINED, [RecordAttemptFailed]),
        (CONFIRM, SUCCEEDED, [RecordSucceeded]),
        (CONFIRM, DECLINED, [RecordAttemptFailed]),
        (CAPTURE, SUCCEEDED, [RecordSucceeded]),
        (CAPTURE, HELD, [RecordAuthorized, RecordCaptureFailed]),
        (CANCEL, HELD, [RecordAuthorized, RecordCancelFailed]),
        (CANCEL, NOT_AUTHENTICATED, [RecordAttemptFailed, RecordCancelFailed]),
        (CANCEL, DECLINED, [RecordAttemptFailed, RecordCancelFailed]),
        (REFUND, {"id": "re_1", "status": "succeeded"}, [RecordRefundSucceeded]),
    ],
)
def test_a_look_up_tells_what_became_of_it(
    requested: PaymentEvent, found: dict[str, Any], expected: list[type[PaymentObservation]]
) -> None:
    assert observations(looked_up(requested, found, a_payment()[0], is_final=True)) == expected


@pytest.mark.parametrize(
    ("requested", "found"),
    [(CAPTURE, HELD), (CANCEL, HELD), (CANCEL, DECLINED), (CREATE, an_intent("requires_confirmation"))],
)
def test_what_stands_as_before_is_looked_up_again_until_the_end(requested: PaymentEvent, found: dict[str, Any]) -> None:
    result = looked_up(requested, found, a_payment()[0], is_final=False)
    assert result.status is TaskStatus.UNKNOWN


def test_a_conflict_is_asked_again_within_two_seconds() -> None:
    conflict = classify(a_fault(409, code="idempotency_key_in_use"))
    for attempts in (1, 7, 1000):
        again = ended(CREATE, conflict, attempts=attempts)
        assert is_retry(again)
        assert again.delay_s <= 2


def test_an_attempt_is_not_named_after_a_call_that_did_not_make_it() -> None:
    canceling = result_of_look_up(
        a_task(), CANCEL, NOT_AUTHENTICATED, a_payment()[0], is_final=True, lookup_after_s=600
    )
    confirming = result_of_look_up(
        a_task(), CONFIRM, NOT_AUTHENTICATED, a_payment()[0], is_final=False, lookup_after_s=600
    )
    assert canceling.status is TaskStatus.DONE
    assert confirming.status is TaskStatus.DONE
    assert [getattr(each.observations[0], "attempt_id", None) for each in (canceling, confirming)] == [
        None,
        str(EVENT_ID),
    ]


def test_a_decline_that_was_known_before_says_nothing_of_this_attempt() -> None:
    shown = looked_up(CREATE, DECLINED, a_payment()[0], is_final=False)
    assert shown.status is TaskStatus.DONE
    declined = a_payment(*shown.observations)[0]
    again = looked_up(CONFIRM, DECLINED, declined, is_final=True)
    assert again.status is TaskStatus.DONE
    assert [getattr(each, "code", None) for each in again.observations] == ["card_declined", "not_processed"]


@pytest.mark.parametrize("status", ["requires_confirmation", "requires_payment_method"])
def test_an_intent_that_was_made_but_not_confirmed_can_be_confirmed_again(status: str) -> None:
    found = looked_up(CREATE, an_intent(status), a_payment()[0], is_final=True)
    assert observations(found) == [RecordIntentCreated, RecordAttemptFailed]
    assert found.status is TaskStatus.DONE
    state = a_payment()[0]
    for each in found.observations:
        newer = fold(decide(state, each), state)
        assert newer is not None
        state = newer
    assert not state.confirmation_requested
    assert state.status is PaymentStatus.REQUIRES_PAYMENT_METHOD


def test_a_refused_confirmation_names_the_charge_and_the_reason() -> None:
    fault = a_fault(
        402, type="card_error", code="card_declined", charge_id="ch_9", decline_code="lost_card", intent=None
    )
    result = ended(CONFIRM, Refused(fault=fault))
    assert result.status is TaskStatus.DONE
    (failed,) = result.observations
    assert isinstance(failed, RecordAttemptFailed)
    assert (failed.attempt_id, failed.code, failed.decline_code) == (
        "ch_9",
        "card_declined",
        "lost_card",
    )
    unnamed = ended(CONFIRM, Refused(fault=a_fault(402, type="card_error", charge_id=None, intent=None)))
    assert unnamed.status is TaskStatus.DONE
    (failed,) = unnamed.observations
    assert isinstance(failed, RecordAttemptFailed)
    assert failed.attempt_id == str(EVENT_ID)


def test_a_creation_that_is_refused_keeps_the_decline_code() -> None:
    fault = a_fault(402, type="card_error", code="card_declined", decline_code="lost_card", intent=None)
    result = ended(CREATE, Refused(fault=fault))
    assert result.status is TaskStatus.DONE
    (failed,) = result.observations
    assert isinstance(failed, RecordPaymentFailed)
    assert (failed.code, failed.decline_code) == ("card_declined", "lost_card")


def test_an_intent_never_confirmed_is_named_in_the_failed_attempt() -> None:
    made = an_intent("requires_confirmation")
    result = looked_up(CREATE, made, a_payment()[0], is_final=True)
    assert result.status is TaskStatus.DONE
    failed = [each for each in result.observations if isinstance(each, RecordAttemptFailed)]
    assert [(each.intent_id, each.attempt_id, each.code) for each in failed] == [
        (INTENT_ID, str(EVENT_ID), "not_processed")
    ]


def test_what_expired_and_stripe_does_not_know_is_not_charged() -> None:
    payment = a_payment()[0]
    created = looked_up(CREATE, None, payment, is_final=True, expired=True)
    assert created == TaskResult.done((RecordCanceled(intent_id=None, reason="expired"),))
    waits = an_intent("requires_confirmation")
    confirmed = looked_up(CONFIRM, waits, payment, is_final=True, expired=True)
    assert confirmed.status is TaskStatus.DONE
    failed = confirmed.observations[-1]
    assert isinstance(failed, RecordAttemptFailed)
    assert failed.code == "expired"


def test_what_was_canceled_unsent_and_stripe_does_not_know_is_canceled() -> None:
    payment = a_payment(CancelPayment(request_id=RequestId(REQUEST_ID), reason="abandoned"))[0]
    created = looked_up(CREATE, None, payment, is_final=True, expired=True)
    assert created == TaskResult.done((RecordCanceled(intent_id=None, reason="abandoned"),))


def test_what_expired_here_and_was_charged_at_stripe_is_believed() -> None:
    found = result_of_look_up(
        a_task(), CREATE, SUCCEEDED, a_payment()[0], is_final=True, expired=True, lookup_after_s=600
    )
    assert RecordSucceeded in observations(found)
