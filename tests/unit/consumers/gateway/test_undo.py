"""How what was charged for a failed payment is undone at Stripe, step by step."""

from typing import Any

import pytest

from consumers.gateway.undo import NotYet, Undo, Undone, disputes_of, observation_of, undo_step, went_well
from consumers.stripe.payments import StripePayment
from consumers.stripe.requests import StripeRequest
from consumers.tasks.models import TaskOperation
from domain.ids import StripeChargeId, StripeIntentId, StripeRefundId
from domain.money import Money
from domain.payment.events import UndoneRefund
from domain.payment.observations import RecordUndone
from tests.unit.consumers.gateway.gateway_objects import EVENT_ID, INTENT_ID, PAYMENT_ID, an_intent

CANCELED = RecordUndone(
    event_id=EVENT_ID,
    intent_id=StripeIntentId(INTENT_ID),
    how="canceled",
    amount=Money(amount_cents=0, currency="USD"),
)


def a_refund(stripe_id: str, cents: int, status: str = "succeeded") -> dict[str, Any]:
    return {"id": stripe_id, "amount": cents, "currency": "usd", "status": status}


def undone_refund(stripe_id: str, cents: int) -> UndoneRefund:
    return UndoneRefund(stripe_refund_id=StripeRefundId(stripe_id), amount=Money(amount_cents=cents, currency="USD"))


def refunded(*refunds: UndoneRefund) -> RecordUndone:
    return RecordUndone(
        event_id=EVENT_ID,
        intent_id=StripeIntentId(INTENT_ID),
        how="refunded",
        amount=Money(amount_cents=1000, currency="USD"),
        charge_id=StripeChargeId("ch_1"),
        refunds=refunds,
    )


def step(
    status: str, *refunds: dict[str, Any], disputes: tuple[dict[str, Any], ...] = (), failures: int = 0
) -> Undo | Undone | NotYet:
    taken: dict[str, Any] = {"amount_received": 1000, "latest_charge": "ch_1"} if status == "succeeded" else {}
    reading = StripePayment(intent=an_intent(status, **taken), refunds=refunds, disputes=disputes)
    return undo_step(reading, event_id=EVENT_ID, payment_id=PAYMENT_ID, failures=failures)


def test_what_is_canceled_already_took_no_money() -> None:
    assert step("canceled") == Undone(observation=CANCELED)


@pytest.mark.parametrize(
    "status", ["requires_payment_method", "requires_confirmation", "requires_action", "requires_capture"]
)
@pytest.mark.parametrize(("failures", "key_end"), [(0, ""), (1, "-2"), (2, "-3")])
def test_what_took_no_money_is_canceled(status: str, failures: int, key_end: str) -> None:
    request = StripeRequest(
        operation=TaskOperation.CANCEL_INTENT,
        idempotency_key=f"undo-cancel-{EVENT_ID}{key_end}",
        intent_id=StripeIntentId(INTENT_ID),
        params={},
    )
    assert step(status, failures=failures) == Undo(request=request, observation=CANCELED)


@pytest.mark.parametrize(("failures", "key_end"), [(0, ""), (1, "-2"), (2, "-3")])
def test_what_was_taken_is_refunded_whole_and_as_no_refund_of_ours(failures: int, key_end: str) -> None:
    request = StripeRequest(
        operation=TaskOperation.CREATE_REFUND,
        idempotency_key=f"undo-refund-{EVENT_ID}{key_end}",
        intent_id=None,
        params={"payment_intent": INTENT_ID, "metadata": {"paystream_payment_id": str(PAYMENT_ID)}},
    )
    assert step("succeeded", failures=failures) == Undo(request=request, observation=refunded())


@pytest.mark.parametrize("status", ["processing", "a_status_of_tomorrow"])
def test_what_a_bank_is_at_work_on_has_to_wait(status: str) -> None:
    assert step(status) == NotYet()


@pytest.mark.parametrize("came_back", ["failed", "canceled"])
def test_a_refund_that_came_back_gives_nothing_back(came_back: str) -> None:
    again = step("succeeded", a_refund("re_1", 1000, came_back), a_refund("re_2", 400))
    assert isinstance(again, Undo)
    assert again.observation == refunded(undone_refund("re_2", 400))
    done = step("succeeded", a_refund("re_1", 1000, came_back), a_refund("re_2", 400), a_refund("re_3", 600, "pending"))
    assert done == Undone(observation=refunded(undone_refund("re_2", 400), undone_refund("re_3", 600)))


@pytest.mark.parametrize(("cents", "is_over"), [(999, False), (1000, True), (1001, True)])
def test_it_is_over_once_all_that_was_taken_went_back(cents: int, is_over: bool) -> None:
    assert isinstance(step("succeeded", a_refund("re_1", cents)), Undone) is is_over


def test_the_refund_that_was_made_is_recorded_beside_those_before() -> None:
    undo = step("succeeded", a_refund("re_1", 400))
    assert isinstance(undo, Undo)
    recorded = observation_of(undo, a_refund("re_2", 600, "pending"))
    assert recorded == refunded(undone_refund("re_1", 400), undone_refund("re_2", 600))
    cancel = step("requires_capture")
    assert isinstance(cancel, Undo)
    assert observation_of(cancel, an_intent("canceled")) == CANCELED


@pytest.mark.parametrize(
    ("undone_from", "status", "well"),
    [
        ("requires_capture", "canceled", True),
        ("requires_capture", "requires_capture", False),
        ("succeeded", "succeeded", True),
        ("succeeded", "pending", True),
        ("succeeded", "failed", False),
        ("succeeded", "canceled", False),
    ],
)
def test_the_answer_says_whether_it_is_undone(undone_from: str, status: str, well: bool) -> None:
    undo = step(undone_from)
    assert isinstance(undo, Undo)
    assert went_well(undo, {"status": status}) is well


def test_disputes_that_take_the_money_are_named_and_others_not() -> None:
    statuses = ["needs_response", "won", "lost", "warning_closed", "under_review", "prevented"]
    disputes = tuple({"id": f"du_{number}", "status": status} for number, status in enumerate(statuses))
    reading = StripePayment(intent=an_intent(), refunds=(), disputes=disputes)
    assert disputes_of(reading) == ("du_0", "du_2", "du_4")
