"""A payment's state in words, what its money came to, and what can be done with it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from back_office.payments import state
from back_office.payments.declines import customer_sentence
from domain.payment.values import PaymentStatus
from schemas.http.payment_views import PaymentView
from tests.unit.back_office.fake_apis import a_payment, a_refund, example

DISPUTE = example(PaymentView)
DISPUTE = {
    "id": "du_1", "status": "needs_response", "reason": "fraudulent", "amount_cents": 1000, "currency": "USD",
    "evidence_due_by": None, "funds": "withdrawn",
}  # fmt: skip
HELD = {"status": "requires_capture", "amount_captured_cents": 0, "amount_capturable_cents": 1000}


@pytest.mark.parametrize("status", PaymentStatus)
def test_every_status_has_words_of_its_own(status: PaymentStatus) -> None:
    payment = a_payment(status=status.value)
    assert state.sentence(payment).endswith(".")
    assert state.label(payment) != status.value
    assert state.tone(payment) in {"good", "bad", "wait", "quiet"}


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "Paid"),
        ({"amount_refunded_cents": 400}, "Partly refunded"),
        ({"amount_refunded_cents": 1000}, "Refunded"),
        ({"refunds": [a_refund(status="pending")]}, "Refund on its way"),
        ({"dispute": DISPUTE}, "Disputed"),
        ({"dispute": {**DISPUTE, "status": "won"}}, "Paid"),
        ({"dispute": {**DISPUTE, "status": "lost"}}, "Disputed"),
        ({"dispute": {**DISPUTE, "status": "prevented"}}, "Paid"),
        ({"status": "pending"}, "Not yet at Stripe"),
    ],
)
def test_what_happened_after_the_charge_is_in_the_state(changes: dict[str, Any], label: str) -> None:
    assert state.label(a_payment(**changes)) == label


@pytest.mark.parametrize(
    ("refund", "said"),
    [
        ({"status": "pending", "stripe_refund_id": None}, "Accepted here, not yet at Stripe"),
        ({"status": "pending", "stripe_refund_id": "re_1"}, "At Stripe, not given back yet"),
        ({"status": "succeeded"}, "At Stripe: given back"),
        ({"status": "failed"}, "Failed: the amount can be refunded again"),
    ],
)
def test_accepted_here_is_told_from_at_stripe_and_from_given_back(refund: dict[str, Any], said: str) -> None:
    assert state.refund_sentence(a_refund(**refund)) == said


def test_another_card_is_asked_for_only_after_a_decline() -> None:
    error = {"code": "card_declined", "decline_code": None, "message": "Declined."}
    declined = a_payment(status="requires_payment_method", last_error=error)
    assert state.sentence(declined) == "Not paid. The customer has to give another payment method."
    tried_anew = a_payment(status="requires_payment_method", last_error=None)
    assert state.sentence(tried_anew) == "Not paid. No payment method was tried yet, or one is being tried now."


def test_a_refund_on_its_way_is_not_left_to_refund() -> None:
    payment = a_payment(
        amount_refunded_cents=200,
        refunds=[a_refund(amount_cents=200), a_refund(status="pending", amount_cents=300), a_refund(status="failed")],
    )
    assert state.refundable(payment) == 500
    assert state.is_moving(payment)


@pytest.mark.parametrize(
    ("changes", "offered"),
    [
        ({}, ("refund",)),
        ({"amount_refunded_cents": 1000}, ()),
        ({"dispute": DISPUTE}, ()),
        ({"dispute": {**DISPUTE, "status": "warning_needs_response"}}, ("refund",)),
        ({"dispute": {**DISPUTE, "status": "prevented"}}, ("refund",)),
        (HELD, ("capture", "cancel")),
        ({"status": "requires_action", "amount_captured_cents": 0}, ("cancel",)),
        ({"status": "processing", "amount_captured_cents": 0}, ()),
        ({"status": "canceled", "amount_captured_cents": 0}, ()),
        ({**HELD, "split_payment_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6072"}, ()),
    ],
)
def test_only_what_can_be_done_is_offered(changes: dict[str, Any], offered: tuple[str, ...]) -> None:
    assert state.actions(a_payment(**changes)) == offered


@given(data=st.data())
def test_the_parts_of_the_bar_are_the_whole_amount(data: st.DataObject) -> None:
    amount = data.draw(st.integers(min_value=1, max_value=10**12))
    captured = data.draw(st.integers(min_value=0, max_value=amount))
    refunded = data.draw(st.integers(min_value=0, max_value=captured))
    pending = data.draw(st.integers(min_value=0, max_value=captured - refunded))
    held = data.draw(st.integers(min_value=0, max_value=amount)) if captured == 0 else 0
    payment = a_payment() | {
        "amount_cents": amount,
        "amount_captured_cents": captured,
        "amount_refunded_cents": refunded,
        "amount_capturable_cents": held,
        "refunds": [a_refund(status="pending", amount_cents=pending)] if pending else [],
        "dispute": data.draw(st.sampled_from([None, {**DISPUTE, "amount_cents": amount}])),
    }
    parts = state.bar(payment)
    assert sum(part.amount for part in parts) == amount
    assert all(part.amount > 0 for part in parts)
    assert [part.start for part in parts] == [sum(each.width for each in parts[:place]) for place in range(len(parts))]
    assert abs(sum(part.width for part in parts) - 1000) <= 4 * len(parts)


@pytest.mark.parametrize(
    ("refunded", "shown"),
    [(0, [("Disputed", 1000)]), (300, [("Disputed, and not refunded", 700), ("Refunded", 300)])],
)
def test_a_part_of_a_dispute_is_not_called_all_of_it(refunded: int, shown: list[tuple[str, int]]) -> None:
    payment = a_payment(dispute={**DISPUTE, "amount_cents": 1000}, amount_refunded_cents=refunded)
    assert [(part.label, part.amount) for part in state.bar(payment)] == shown


def test_a_customer_is_not_told_that_a_card_was_stolen() -> None:
    sentences = {
        code: customer_sentence({"code": "card_declined", "decline_code": code, "message": "secret"})
        for code in ("stolen_card", "lost_card", "fraudulent", "pickup_card", "a_code_of_tomorrow", "generic_decline")
    }
    assert len(set(sentences.values())) == 1
    assert "stolen" not in sentences["stolen_card"]


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"code": "card_declined", "decline_code": "insufficient_funds"}, "not enough money"),
        ({"code": "expired_card", "decline_code": None}, "expired"),
        ({"code": "of_tomorrow", "decline_code": None}, "did not work"),
    ],
)
def test_why_it_failed_is_a_sentence_for_the_customer(error: dict[str, Any], said: str) -> None:
    assert said in customer_sentence({**error, "message": "Your card was declined."})
