"""From the end of a call to what is recorded, tried again, looked up or buried."""

from typing import Any

import pytest

from consumers.gateway.conclusions import (
    AskLater,
    Bury,
    Conclusion,
    Finish,
    PutOff,
    TryAgain,
    conclude,
    looked_up,
    not_read,
)
from consumers.gateway.outcomes import Broken, HeldBack, Outcome, Refused, Retryable, Succeeded, Unknown, classify
from domain.ids import RequestId
from domain.money import Money
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
REFUND = RefundRequested(refund_id=REFUND_ID, amount=TEN, reason=None)
SUCCEEDED = an_intent("succeeded", amount_received=1000, latest_charge="ch_1")
HELD = an_intent("requires_capture", amount_capturable=1000, latest_charge="ch_1")
DECLINED = an_intent("requires_payment_method", last_payment_error=a_decline())
NOT_AUTHENTICATED = an_intent(
    "requires_payment_method", last_payment_error={"code": "payment_intent_authentication_failure", "message": "No."}
)


def ended(asked: PaymentEvent, outcome: Outcome, **task: Any) -> Conclusion:
    return conclude(a_task(**task), asked, outcome, lookup_after_s=600, uniform=lambda _, high: high)


def facts(conclusion: Conclusion) -> list[type[PaymentObservation]]:
    assert isinstance(conclusion, Finish)
    return [type(fact) for fact in conclusion.facts]


def test_success_is_what_the_object_says() -> None:
    assert facts(ended(CREATE, Succeeded(answer=SUCCEEDED))) == [RecordSucceeded]
    refund = {"id": "re_1", "status": "succeeded"}
    assert facts(ended(REFUND, Succeeded(answer=refund))) == [RecordRefundSucceeded]


def test_a_declined_creation_leaves_an_intent_that_can_be_confirmed_again() -> None:
    fault = a_fault(402, type="card_error", code="card_declined", charge_id="ch_1", intent=DECLINED)
    conclusion = ended(CREATE, Refused(fault=fault))
    assert isinstance(conclusion, Finish)
    (fact,) = conclusion.facts
    assert isinstance(fact, RecordAttemptFailed)
    assert (fact.intent_id, fact.attempt_id, fact.decline_code) == (INTENT_ID, "ch_1", "insufficient_funds")


def test_a_refused_creation_fails_the_payment() -> None:
    conclusion = ended(CREATE, Refused(fault=a_fault(400, code="amount_too_small")))
    assert conclusion == Finish(facts=(RecordPaymentFailed(code="amount_too_small", message="No."),))


def test_a_refused_confirmation_is_an_attempt_that_failed() -> None:
    conclusion = ended(CONFIRM, Refused(fault=a_fault(404, code="resource_missing", param="payment_method")))
    assert isinstance(conclusion, Finish)
    (fact,) = conclusion.facts
    assert isinstance(fact, RecordAttemptFailed)
    assert fact.attempt_id == str(EVENT_ID)


@pytest.mark.parametrize(
    ("asked", "intent", "expected"),
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
    asked: PaymentEvent, intent: dict[str, Any], expected: list[type[PaymentObservation]]
) -> None:
    fault = a_fault(400, code="payment_intent_unexpected_state", intent=intent)
    assert facts(ended(asked, Refused(fault=fault))) == expected


def test_a_refused_refund_fails_alone() -> None:
    conclusion = ended(REFUND, Refused(fault=a_fault(400, code="charge_already_refunded")))
    assert facts(conclusion) == [RecordRefundFailed]


def test_no_answer_is_tried_again_later_and_later() -> None:
    first = ended(CREATE, Retryable(reason="no answer"), attempts=1)
    fifth = ended(CREATE, Retryable(reason="no answer"), attempts=5)
    assert isinstance(first, TryAgain)
    assert isinstance(fifth, TryAgain)
    assert first.delay_s < fifth.delay_s


def test_what_was_held_back_is_put_off_for_longer_than_it_has_to() -> None:
    assert ended(CREATE, HeldBack(wait_s=2, reason="open")) == PutOff(delay_s=4, error="open")


@pytest.mark.parametrize(
    ("outcome", "expected"),
    [
        (HeldBack(wait_s=2, reason="open"), PutOff(delay_s=4, error="open")),
        (Retryable(reason="no answer"), TryAgain(delay_s=0.5, error="no answer")),
        (Unknown(reason="500"), TryAgain(delay_s=60, error="500")),
        (Broken(reason="key"), TryAgain(delay_s=60, error="key")),
        (Refused(fault=a_fault(400)), Bury(error="Stripe does not show it: parameter_invalid_integer: No.")),
    ],
)
def test_a_payment_that_could_not_be_read(
    outcome: HeldBack | Retryable | Unknown | Broken | Refused, expected: Conclusion
) -> None:
    assert not_read(a_task(), outcome, uniform=lambda _, high: high) == expected


def test_what_stripe_stored_as_its_own_failure_is_looked_up() -> None:
    assert ended(CREATE, Unknown(reason="500")) == AskLater(delay_s=600, error="500")


@pytest.mark.parametrize("outcome", [Broken(reason="key reuse"), Succeeded(answer={"id": "pi_1"})])
def test_what_only_a_person_can_settle_is_buried(outcome: Outcome) -> None:
    assert isinstance(ended(CREATE, outcome), Bury)


@pytest.mark.parametrize("asked", [CREATE, CONFIRM, CAPTURE, CANCEL, REFUND])
def test_what_is_not_found_is_believed_only_at_the_end(asked: PaymentEvent) -> None:
    soon = looked_up(a_task(), asked, None, a_payment()[0], is_final=False, lookup_after_s=600)
    assert isinstance(soon, AskLater)
    late = looked_up(a_task(), asked, None, a_payment()[0], is_final=True, lookup_after_s=600)
    assert isinstance(late, Finish)
    assert getattr(late.facts[0], "code", None) == "not_processed"


@pytest.mark.parametrize(
    ("asked", "found", "expected"),
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
    asked: PaymentEvent, found: dict[str, Any], expected: list[type[PaymentObservation]]
) -> None:
    assert facts(looked_up(a_task(), asked, found, a_payment()[0], is_final=True, lookup_after_s=600)) == expected


@pytest.mark.parametrize(
    ("asked", "found"),
    [(CAPTURE, HELD), (CANCEL, HELD), (CANCEL, DECLINED), (CREATE, an_intent("requires_confirmation"))],
)
def test_what_stands_as_before_is_looked_up_again_until_the_end(asked: PaymentEvent, found: dict[str, Any]) -> None:
    concluded = looked_up(a_task(), asked, found, a_payment()[0], is_final=False, lookup_after_s=600)
    assert isinstance(concluded, AskLater)


def test_a_conflict_is_asked_again_within_two_seconds() -> None:
    conflict = classify(a_fault(409, code="idempotency_key_in_use"))
    for attempts in (1, 7, 1000):
        again = ended(CREATE, conflict, attempts=attempts)
        assert isinstance(again, TryAgain)
        assert again.delay_s <= 2


def test_an_attempt_is_not_named_after_a_call_that_did_not_make_it() -> None:
    canceling = looked_up(a_task(), CANCEL, NOT_AUTHENTICATED, a_payment()[0], is_final=True, lookup_after_s=600)
    confirming = looked_up(a_task(), CONFIRM, NOT_AUTHENTICATED, a_payment()[0], is_final=False, lookup_after_s=600)
    assert isinstance(canceling, Finish)
    assert isinstance(confirming, Finish)
    assert [getattr(each.facts[0], "attempt_id", None) for each in (canceling, confirming)] == [None, str(EVENT_ID)]


def test_a_decline_that_was_known_before_says_nothing_of_this_attempt() -> None:
    shown = looked_up(a_task(), CREATE, DECLINED, a_payment()[0], is_final=False, lookup_after_s=600)
    assert isinstance(shown, Finish)
    declined = a_payment(*shown.facts)[0]
    again = looked_up(a_task(), CONFIRM, DECLINED, declined, is_final=True, lookup_after_s=600)
    assert isinstance(again, Finish)
    assert [getattr(fact, "code", None) for fact in again.facts] == ["card_declined", "not_processed"]


@pytest.mark.parametrize("status", ["requires_confirmation", "requires_payment_method"])
def test_an_intent_that_was_made_but_not_confirmed_can_be_confirmed_again(status: str) -> None:
    found = looked_up(a_task(), CREATE, an_intent(status), a_payment()[0], is_final=True, lookup_after_s=600)
    assert facts(found) == [RecordIntentCreated, RecordAttemptFailed]
    assert isinstance(found, Finish)
    state = a_payment()[0]
    for fact in found.facts:
        newer = fold(decide(state, fact), state)
        assert newer is not None
        state = newer
    assert not state.confirmation_requested
    assert state.status is PaymentStatus.REQUIRES_PAYMENT_METHOD


def test_a_refused_confirmation_names_the_charge_and_the_reason() -> None:
    fault = a_fault(
        402, type="card_error", code="card_declined", charge_id="ch_9", decline_code="lost_card", intent=None
    )
    concluded = ended(CONFIRM, Refused(fault=fault))
    assert isinstance(concluded, Finish)
    (fact,) = concluded.facts
    assert isinstance(fact, RecordAttemptFailed)
    assert (fact.attempt_id, fact.code, fact.decline_code) == ("ch_9", "card_declined", "lost_card")
    unnamed = ended(CONFIRM, Refused(fault=a_fault(402, type="card_error", charge_id=None, intent=None)))
    assert isinstance(unnamed, Finish)
    (fact,) = unnamed.facts
    assert isinstance(fact, RecordAttemptFailed)
    assert fact.attempt_id == str(EVENT_ID)


def test_a_creation_that_is_refused_keeps_the_decline_code() -> None:
    fault = a_fault(402, type="card_error", code="card_declined", decline_code="lost_card", intent=None)
    concluded = ended(CREATE, Refused(fault=fault))
    assert isinstance(concluded, Finish)
    (fact,) = concluded.facts
    assert isinstance(fact, RecordPaymentFailed)
    assert (fact.code, fact.decline_code) == ("card_declined", "lost_card")


def test_an_intent_never_confirmed_is_named_in_the_failed_attempt() -> None:
    made = an_intent("requires_confirmation")
    concluded = looked_up(a_task(), CREATE, made, a_payment()[0], is_final=True, lookup_after_s=600)
    assert isinstance(concluded, Finish)
    failed = [fact for fact in concluded.facts if isinstance(fact, RecordAttemptFailed)]
    assert [(fact.intent_id, fact.attempt_id, fact.code) for fact in failed] == [
        (INTENT_ID, str(EVENT_ID), "not_processed")
    ]


def test_what_expired_and_stripe_does_not_know_is_not_charged() -> None:
    payment = a_payment()[0]
    created = looked_up(a_task(), CREATE, None, payment, is_final=True, expired=True, lookup_after_s=600)
    assert created == Finish(facts=(RecordCanceled(intent_id=None, reason="expired"),))
    waits = an_intent("requires_confirmation")
    confirmed = looked_up(a_task(), CONFIRM, waits, payment, is_final=True, expired=True, lookup_after_s=600)
    assert isinstance(confirmed, Finish)
    failed = confirmed.facts[-1]
    assert isinstance(failed, RecordAttemptFailed)
    assert failed.code == "expired"


def test_what_expired_here_and_was_charged_at_stripe_is_believed() -> None:
    found = looked_up(a_task(), CREATE, SUCCEEDED, a_payment()[0], is_final=True, expired=True, lookup_after_s=600)
    assert RecordSucceeded in facts(found)
