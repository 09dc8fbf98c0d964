"""Calls that come to no end, and what operators do about them: written down, once where it must be once."""

from uuid import UUID

import pytest

from domain.ids import EventId, StripeIntentId
from domain.payment.commands import GiveUpTask, RetryTask
from domain.payment.decide import decide
from domain.payment.errors import InvalidPaymentRequest, PaymentUnknown, TaskAlreadyGivenUp
from domain.payment.events import TaskGivenUp, TaskOutcomeUnknown, TaskRetried, TaskUndone
from domain.payment.observations import RecordOutcomeUnknown, RecordPaymentFailed, RecordRefundFailed, RecordUndone
from domain.payment.state import NOT_PROCESSED
from domain.payment.values import PaymentStatus
from tests.unit.domain.payment_builders import a_request, payment_after, refund, refund_id, succeeded, then, usd

EVENT_ID = EventId(UUID(int=0x400))
SAID = {"event_id": EVENT_ID, "operation": "create_refund", "actor": "ada", "reason": "Stripe is back"}
RETRY, GIVE_UP = RetryTask(**SAID), GiveUpTask(**SAID)  # type: ignore[arg-type]


def test_each_unknown_outcome_is_recorded_and_changes_nothing() -> None:
    payment = payment_after(a_request())
    unknown = RecordOutcomeUnknown(event_id=EVENT_ID, operation="create_refund", reason="500")
    event = TaskOutcomeUnknown(event_id=EVENT_ID, operation="create_refund", reason="500")
    assert decide(payment, unknown) == (event,)
    assert then(payment, unknown) == payment
    assert decide(then(payment, unknown), unknown) == (event,)


def test_every_retry_is_recorded_with_who_and_why() -> None:
    payment = payment_after(a_request())
    event = TaskRetried(**SAID)  # type: ignore[arg-type]
    assert decide(payment, RETRY) == (event,)
    assert decide(then(payment, RETRY), RETRY) == (event,)


def test_giving_up_is_recorded_once_and_no_retry_follows_it() -> None:
    payment = payment_after(a_request())
    assert decide(payment, GIVE_UP) == (TaskGivenUp(**SAID),)  # type: ignore[arg-type]
    given_up = then(payment, RETRY, GIVE_UP)
    assert decide(given_up, GIVE_UP) == ()
    with pytest.raises(TaskAlreadyGivenUp) as refused:
        decide(given_up, RETRY)
    assert (refused.value.payment_id, refused.value.event_id) == (payment.payment_id, EVENT_ID)


def test_what_follows_from_giving_up_is_the_failure_of_the_request() -> None:
    payment = payment_after(a_request(), succeeded(), refund(6_00), GIVE_UP)
    assert payment.amount_refund_pending == usd(6_00)
    failed = RecordRefundFailed(refund_id=refund_id(), stripe_refund_id=None, code="given_up", message="Given up.")
    assert then(payment, failed).amount_refundable == usd(10_00)


def test_what_appeared_after_all_and_was_undone_is_recorded_once() -> None:
    failed = payment_after(a_request(), RecordPaymentFailed(code=NOT_PROCESSED, message="No."))
    assert failed.may_appear
    undone = RecordUndone(event_id=EVENT_ID, intent_id=StripeIntentId("pi_1"), how="refunded", amount=usd(10_00))
    (event,) = decide(failed, undone)
    assert event == TaskUndone(event_id=EVENT_ID, intent_id=StripeIntentId("pi_1"), how="refunded", amount=usd(10_00))
    after = then(failed, undone)
    assert after.status is PaymentStatus.FAILED
    assert after.intents_undone == {"pi_1"}
    assert decide(after, undone) == ()


def test_what_stripe_refused_cannot_appear() -> None:
    refused = payment_after(a_request(), RecordPaymentFailed(code="amount_too_small", message="No."))
    assert not refused.may_appear


@pytest.mark.parametrize("field", ["actor", "reason"])
def test_who_and_why_have_to_be_said(field: str) -> None:
    for kind in (RetryTask, GiveUpTask):
        with pytest.raises(InvalidPaymentRequest) as refused:
            decide(payment_after(a_request()), kind(**SAID | {field: " "}))  # type: ignore[arg-type]
        assert refused.value.field == field


def test_there_is_no_call_without_a_payment() -> None:
    with pytest.raises(PaymentUnknown):
        decide(None, RETRY)
