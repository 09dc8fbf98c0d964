"""A payment as Stripe shows it whole: its intent, refunds and disputes, and what follows for what is recorded."""

import uuid
from decimal import Decimal
from typing import Any

import pytest

from consumers.stripe.translate.errors import UnexpectedObject
from consumers.stripe.translate.payments import dispute_observations, payment_observations
from domain.ids import DisputeId, RefundId, StripeChargeId, StripeRefundId
from domain.money import Money
from domain.payment.commands import RequestRefund
from domain.payment.decide import decide
from domain.payment.events import DisputeClosed, DisputeFundsReinstated
from domain.payment.evolve import fold
from domain.payment.observations import (
    RecordAttemptFailed,
    RecordDispute,
    RecordRefundFailed,
    RecordRefundFound,
    RecordRefundPending,
    RecordRefundSucceeded,
)
from domain.payment.state import PaymentState
from domain.payment.values import DisputeFunds, DisputeStatus, PaymentStatus, RefundReason, RefundStatus
from tests.unit.consumers.gateway.gateway_objects import INTENT_ID, REFUND_ID, a_decline, a_payment, an_intent

PAID = an_intent("succeeded", amount_received=1000, latest_charge={"id": "ch_1"})


def usd(cents: int) -> Money:
    return Money(amount_cents=cents, currency="USD")


def a_refund(status: str = "succeeded", *, ours: uuid.UUID | None = None, **fields: Any) -> dict[str, Any]:
    metadata = {} if ours is None else {"paystream_refund_id": str(ours)}
    shown = {"id": "re_1", "object": "refund", "amount": 600, "currency": "usd", "status": status, "reason": None}
    return shown | {"metadata": metadata, "charge": "ch_1"} | fields


def a_dispute(status: str = "needs_response", *, moved: tuple[int, ...] = (), **fields: Any) -> dict[str, Any]:
    shown = {"id": "du_1", "object": "dispute", "amount": 1000, "currency": "usd", "charge": "ch_1"}
    return (
        shown
        | {"status": status, "reason": "fraudulent", "evidence_details": {"due_by": 1_800_000_000}}
        | {"balance_transactions": [{"id": "txn_1", "amount": amount, "currency": "usd"} for amount in moved]}
        | fields
    )


def after(payment: PaymentState, *shown: Any) -> PaymentState:
    state: PaymentState | None = payment
    for observation in payment_observations(*shown):
        assert state is not None
        state = fold(decide(state, observation), state)
    assert state is not None
    return state


def test_a_refund_made_at_stripe_is_found_with_an_id_that_stays() -> None:
    _, found, done = payment_observations(PAID, [a_refund(reason="fraudulent")], [])
    assert isinstance(found, RecordRefundFound)
    assert found == RecordRefundFound(
        refund_id=found.refund_id,
        stripe_refund_id=StripeRefundId("re_1"),
        amount=usd(600),
        reason=RefundReason.FRAUDULENT,
    )
    assert done == RecordRefundSucceeded(refund_id=found.refund_id, stripe_refund_id=StripeRefundId("re_1"))
    assert payment_observations(PAID, [a_refund(reason="fraudulent")], [])[1] == found
    assert payment_observations(PAID, [a_refund(id="re_2")], [])[1] != found


def test_a_refund_of_ours_is_known_by_the_id_in_its_metadata() -> None:
    payment, _ = a_payment(RequestRefund(refund_id=RefundId(REFUND_ID), amount=usd(600)))
    payment = after(payment, PAID, [], [])
    payment, _ = a_payment(
        *payment_observations(PAID, [], []), RequestRefund(refund_id=RefundId(REFUND_ID), amount=usd(600))
    )
    payment = after(payment, PAID, [a_refund(ours=REFUND_ID), a_refund(id="re_2", amount=100)], [])
    assert len(payment.refunds) == 2
    assert payment.refunds[RefundId(REFUND_ID)].stripe_refund_id == "re_1"
    assert payment.amount_refunded == usd(700)


@pytest.mark.parametrize("metadata", [{"paystream_refund_id": "mine"}, {}, None])
def test_what_others_write_into_metadata_does_not_matter(metadata: dict[str, str] | None) -> None:
    assert payment_observations(PAID, [a_refund(metadata=metadata)], []) == payment_observations(PAID, [a_refund()], [])


def test_reasons_of_stripes_own_are_left_out() -> None:
    _, found, _ = payment_observations(PAID, [a_refund(reason="expired_uncaptured_charge")], [])
    assert isinstance(found, RecordRefundFound)
    assert found.reason is None


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        ("succeeded", [RecordRefundFound, RecordRefundSucceeded]),
        ("pending", [RecordRefundFound, RecordRefundPending]),
        ("requires_action", [RecordRefundFound, RecordRefundPending]),
        ("failed", [RecordRefundFailed]),
        ("canceled", [RecordRefundFailed]),
    ],
)
def test_every_status_of_a_refund_has_its_facts(status: str, kind: list[type]) -> None:
    assert [type(observation) for observation in payment_observations(PAID, [a_refund(status)], [])[1:]] == kind


def test_a_refund_first_heard_of_as_failed_is_taken_in_if_its_money_moved() -> None:
    payment, _ = a_payment(*payment_observations(PAID, [], []))
    assert not after(payment, PAID, [a_refund("canceled")], []).refunds
    payment = after(payment, PAID, [a_refund("failed", balance_transaction="txn_1")], [])
    assert [(each.status, each.amount) for each in payment.refunds.values()] == [(RefundStatus.FAILED, usd(600))]
    assert payment.amount_refundable == usd(1000)


def test_what_failed_makes_room_for_what_came_after() -> None:
    payment, _ = a_payment(*payment_observations(PAID, [a_refund("pending", amount=1000)], []))
    assert payment.amount_refundable == usd(0)
    again = [a_refund(id="re_2", amount=1000), a_refund("failed", amount=1000)]
    payment = after(payment, PAID, again, [])
    assert payment.amount_refunded == usd(1000)
    assert [each.status for each in payment.refunds.values()] == [RefundStatus.FAILED, RefundStatus.SUCCEEDED]


@pytest.mark.parametrize("moved", [None, "txn_1"])
def test_a_refund_whose_metadata_was_edited_at_stripe_is_still_ours(moved: str | None) -> None:
    request = RequestRefund(refund_id=REFUND_ID, amount=usd(600))
    payment, _ = a_payment(*payment_observations(PAID, [], []), request)
    payment = after(payment, PAID, [a_refund("pending", ours=REFUND_ID)], [])
    assert after(payment, PAID, [a_refund("pending")], []) == payment
    payment = after(payment, PAID, [a_refund("failed", balance_transaction=moved)], [])
    assert [(each.refund_id, each.status) for each in payment.refunds.values()] == [(REFUND_ID, RefundStatus.FAILED)]
    assert payment.amount_refundable == usd(1000)


def test_what_was_only_held_is_released_not_refunded() -> None:
    canceled = an_intent("canceled", cancellation_reason="expired", latest_charge="ch_1")
    held = an_intent("requires_capture", amount_capturable=1000, latest_charge="ch_1")
    payment, _ = a_payment(*payment_observations(held, [], []))
    payment = after(payment, canceled, [a_refund(amount=1000)], [])
    assert payment.status is PaymentStatus.CANCELED
    assert not payment.refunds


@pytest.mark.parametrize(
    ("moved", "withdrawn", "reinstated"),
    [((), 0, 0), ((-1000,), 1, 0), ((-1000, 1000), 1, 1), ((-1000, 1000, -1000), 2, 1)],
)
def test_a_dispute_says_what_became_of_the_money(moved: tuple[int, ...], withdrawn: int, reinstated: int) -> None:
    *_, observation = payment_observations(PAID, [], [a_dispute("under_review", moved=moved)])
    assert observation == RecordDispute(
        dispute_id=DisputeId("du_1"),
        charge_id=StripeChargeId("ch_1"),
        amount=usd(1000),
        reason="fraudulent",
        status=DisputeStatus.UNDER_REVIEW,
        evidence_due_by=1_800_000_000,
        withdrawn=(usd(1000),) * withdrawn,
        reinstated=(usd(1000),) * reinstated,
    )


def a_row(cents: int, currency: str, rate: float | None, created: int = 1) -> dict[str, Any]:
    return {"id": f"txn_{created}", "amount": cents, "currency": currency, "exchange_rate": rate, "created": created}


@pytest.mark.parametrize(
    ("rows", "withdrawn", "reinstated"),
    [
        ([a_row(-1000, "usd", None), a_row(400, "usd", None, 2)], (1000,), (400,)),
        ([a_row(400, "usd", None, 2), a_row(-1000, "usd", None)], (1000,), (400,)),
        # What was converted is that of which Stripe's amount is the worth at its rate.
        ([a_row(-915, "eur", 0.915), a_row(907, "eur", 0.90721, 2)], (1000,), (1000,)),
        ([a_row(-915, "eur", 0.915), a_row(363, "eur", 0.90721, 2)], (1000,), (400,)),
        ([a_row(-153847, "jpy", 153.846999)], (1000,), ()),
        ([a_row(-150, "kwd", 0.151), a_row(61, "kwd", 0.151, 2)], (1000,), (404,)),
        # A second row in one direction is part of the same time, whatever follows.
        ([a_row(-1000, "usd", None), a_row(-30, "usd", None, 2), a_row(1000, "usd", None, 3)], (1000,), (1000,)),
        ([a_row(-1000, "usd", None), a_row(400, "usd", None, 2), a_row(600, "usd", None, 3)], (1000,), (400,)),
        # Without a rate, nobody can say how much it was.
        ([a_row(-915, "eur", None), a_row(300, "eur", None, 2)], (1000,), (1000,)),
    ],
)
def test_a_dispute_says_how_much_was_taken_and_given_back(
    rows: list[dict[str, Any]], withdrawn: tuple[int, ...], reinstated: tuple[int, ...]
) -> None:
    (observation,) = dispute_observations(a_dispute("lost", balance_transactions=rows))
    assert isinstance(observation, RecordDispute)
    assert observation.withdrawn == tuple(map(usd, withdrawn))
    assert observation.reinstated == tuple(map(usd, reinstated))


@pytest.mark.parametrize("rate", ["0.000061", "0.0034", "0.671", "1.08", "24.9", "154.3", "16210.5"])
@pytest.mark.parametrize("amount", [50, 99, 1000, 99_999_999])
def test_what_is_converted_whole_is_all_of_the_dispute(rate: str, amount: int) -> None:
    exact = Decimal(rate) * Decimal("1.003")  # of which no more digits are shown
    on_balance = max(1, round(amount * exact))
    shown = a_dispute(amount=amount, currency="jpy", balance_transactions=[a_row(-on_balance, "usd", float(rate))])
    (observation,) = dispute_observations(shown)
    assert isinstance(observation, RecordDispute)
    assert observation.withdrawn == (observation.amount,)


def test_of_a_dispute_that_is_partly_won_a_part_comes_back() -> None:
    taken, lost = a_dispute(moved=(-1000,)), a_dispute("lost", moved=(-1000, 400))
    payment, _ = a_payment(*payment_observations(PAID, [], [taken]))
    events = [event for each in payment_observations(PAID, [], [lost]) for event in decide(payment, each)]
    given_back = DisputeFundsReinstated(dispute_id=DisputeId("du_1"), amount=usd(400))
    assert events == [DisputeClosed(dispute_id=DisputeId("du_1"), status="lost"), given_back]
    payment = after(payment, PAID, [], [lost])
    assert payment.disputes[DisputeId("du_1")].outstanding == usd(600)
    assert payment.amount_disputed == usd(600)
    assert after(payment, PAID, [], [lost]) == payment


def test_a_second_row_of_a_dispute_is_no_second_withdrawal() -> None:
    taken, won = a_dispute(moved=(-1000, -30)), a_dispute("won", moved=(-1000, -30, 1030))
    payment, _ = a_payment(*payment_observations(PAID, [], [taken]))
    payment = after(payment, PAID, [], [won])
    dispute = payment.disputes[DisputeId("du_1")]
    assert (dispute.funds, dispute.times_withdrawn) == (DisputeFunds.REINSTATED, 1)


@pytest.mark.parametrize("due_by", [0, None])
def test_a_dispute_that_cannot_be_answered_has_no_time_for_it(due_by: int | None) -> None:
    *_, observation = payment_observations(
        PAID, [], [a_dispute(evidence_details={"due_by": due_by}, charge={"id": "ch_1"})]
    )
    assert isinstance(observation, RecordDispute)
    assert observation.evidence_due_by is None


def test_a_failure_without_a_charge_has_no_name() -> None:
    error = a_decline(charge=None, code="payment_intent_authentication_failure", decline_code=None)
    (observation,) = payment_observations(an_intent("requires_payment_method", last_payment_error=error), [], [])
    assert isinstance(observation, RecordAttemptFailed)
    assert (observation.intent_id, observation.attempt_id) == (INTENT_ID, None)


def test_the_same_picture_twice_is_nothing_new() -> None:
    picture = (PAID, [a_refund(), a_refund("failed", id="re_2")], [a_dispute("lost", moved=(-1000,))])
    payment, _ = a_payment(*payment_observations(*picture))
    assert payment.amount_refunded == usd(600)
    assert payment.disputes[DisputeId("du_1")].status is DisputeStatus.LOST
    assert after(payment, *picture) == payment


@pytest.mark.parametrize(
    "shown",
    [
        ({"id": "pi_1"}, [], []),
        (PAID, [{"id": "re_1"}], []),
        (PAID, [a_refund("melted")], []),
        (PAID, [], [a_dispute("melted")]),
        (PAID, [], [{"id": "du_1"}]),
        (PAID, [None], []),
        (PAID, [a_refund(id=None)], []),
        (PAID, [a_refund(ours=REFUND_ID, id=7)], []),
        (PAID, [], ["du_1"]),
        (PAID, [], [a_dispute(id=7)]),
        (PAID, [], [a_dispute(balance_transactions=[None])]),
        (PAID | {"id": 7}, [], []),
        (PAID | {"amount_received": 10.5}, [], []),
        (PAID, [a_refund(amount="600")], []),
        (PAID, [], [a_dispute(evidence_details={"due_by": 1_800_000_000_000_000})]),
    ],
)
def test_nothing_is_concluded_from_what_is_not_as_the_reference_says(shown: Any) -> None:
    with pytest.raises(UnexpectedObject):
        payment_observations(*shown)
