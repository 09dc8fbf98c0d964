"""Refunds that were made at Stripe itself, beside those that were asked for here."""

from dataclasses import replace

import pytest

from domain.ids import RefundId, StripeRefundId
from domain.money import Money
from domain.payment.decide import decide
from domain.payment.errors import InconsistentObservation, RefundExceedsRefundable
from domain.payment.events import RefundFailed, RefundFound
from domain.payment.observations import (
    RecordRefundFailed,
    RecordRefundFound,
    RecordRefundPending,
    RecordRefundSucceeded,
)
from domain.payment.values import RefundReason, RefundStatus
from tests.unit.domain.payment_builders import (
    a_manual_request,
    a_request,
    authorized,
    disputed,
    names,
    payment_after,
    refund,
    refund_id,
    succeeded,
    then,
    usd,
)

PAID = (a_request(), succeeded())
MINE, THEIRS = refund_id(1), refund_id(9)


def found(cents: int = 6_00, **changes: object) -> RecordRefundFound:
    observed = RecordRefundFound(refund_id=RefundId(THEIRS), stripe_refund_id=StripeRefundId("re_9"), amount=usd(cents))
    return replace(observed, **changes)  # type: ignore[arg-type]


def done(stripe_id: str = "re_9") -> RecordRefundSucceeded:
    return RecordRefundSucceeded(
        refund_id=RefundId(MINE if stripe_id == "re_1" else THEIRS), stripe_refund_id=StripeRefundId(stripe_id)
    )


def failed(stripe_id: str = "re_9") -> RecordRefundFailed:
    refund = MINE if stripe_id == "re_1" else THEIRS
    return RecordRefundFailed(
        refund_id=RefundId(refund), stripe_refund_id=StripeRefundId(stripe_id), code="declined", message="No."
    )


class TestTakenIn:
    def test_reserves_its_amount_until_it_is_settled(self) -> None:
        [event] = decide(payment_after(*PAID), found(reason=RefundReason.FRAUDULENT))
        assert event == RefundFound(
            refund_id=RefundId(THEIRS),
            stripe_refund_id=StripeRefundId("re_9"),
            amount=usd(6_00),
            reason=RefundReason.FRAUDULENT,
        )
        pending = payment_after(*PAID, found())
        assert (pending.amount_refund_pending, pending.amount_refundable) == (usd(6_00), usd(4_00))
        assert then(pending, done()).amount_refunded == usd(6_00)
        assert then(pending, done(), failed()).amount_refundable == usd(10_00)

    def test_is_taken_in_once(self) -> None:
        payment = payment_after(*PAID, found())
        assert decide(payment, found()) == ()
        assert (
            decide(payment, RecordRefundPending(refund_id=RefundId(THEIRS), stripe_refund_id=StripeRefundId("re_9")))
            == ()
        )

    def test_one_that_failed_here_contradicts_when_stripe_lists_it(self) -> None:
        with pytest.raises(InconsistentObservation, match=r"failed, yet re_9 has not"):
            decide(payment_after(*PAID, found(), failed()), found())

    def test_is_taken_in_although_the_payment_is_disputed(self) -> None:
        assert names(decide(payment_after(*PAID, disputed()), found())) == ["RefundFound"]

    def test_one_of_ours_is_compared(self) -> None:
        payment = payment_after(*PAID, refund(6_00))
        assert decide(payment, found(refund_id=MINE)) == ()
        with pytest.raises(InconsistentObservation):
            decide(payment, found(5_00, refund_id=MINE))
        with pytest.raises(InconsistentObservation):
            decide(then(payment, done("re_1")), found(refund_id=MINE))

    def test_one_that_came_to_nothing_is_nothing_new(self) -> None:
        assert decide(payment_after(*PAID), failed()) == ()

    def test_one_whose_money_went_and_came_back_is_new_whatever_is_left(self) -> None:
        came_back = replace(failed(), moved=usd(10_00))
        payment = payment_after(*PAID, refund(10_00), done("re_1"))
        assert names(decide(payment, came_back)) == ["RefundFound", "RefundFailed"]
        after = then(payment, came_back)
        assert (after.amount_refunded, after.amount_refundable) == (usd(10_00), usd(0))
        assert after.refunds[RefundId(THEIRS)].status is RefundStatus.FAILED
        assert decide(after, came_back) == ()


class TestBesideOurs:
    def test_it_goes_before_one_that_stripe_has_not_heard_of(self) -> None:
        payment = payment_after(*PAID, refund(6_00), found(6_00), done())
        assert payment.amount_refunded == usd(6_00)
        assert payment.amount_refund_pending == usd(6_00)
        assert payment.amount_refundable == usd(0)
        with pytest.raises(RefundExceedsRefundable):
            decide(payment, refund(1, number=2))
        refused = RecordRefundFailed(refund_id=RefundId(MINE), stripe_refund_id=None, code="x", message="Too much.")
        assert then(payment, refused).amount_refundable == usd(4_00)

    def test_both_cannot_have_been_made(self) -> None:
        with pytest.raises(InconsistentObservation):
            decide(payment_after(*PAID, refund(6_00), found(6_00)), done("re_1"))
        with pytest.raises(InconsistentObservation):
            decide(payment_after(*PAID, refund(6_00), done("re_1")), found(6_00))

    def test_both_can_when_the_other_failed(self) -> None:
        payment = payment_after(*PAID, refund(6_00), found(6_00), failed(), done("re_1"))
        assert payment.amount_refunded == usd(6_00)
        assert payment.refunds[RefundId(THEIRS)].status is RefundStatus.FAILED


class TestContradictions:
    @pytest.mark.parametrize(
        "observed",
        [
            found(10_01),
            found(0),
            found(amount=Money(amount_cents=1_00, currency="EUR")),
        ],
    )
    def test_what_cannot_be_is_not_believed(self, observed: RecordRefundFound) -> None:
        with pytest.raises(InconsistentObservation):
            decide(payment_after(*PAID), observed)

    @pytest.mark.parametrize("moved", [usd(10_01), usd(0), Money(amount_cents=1_00, currency="EUR")])
    def test_what_cannot_be_did_not_come_back(self, moved: Money) -> None:
        with pytest.raises(InconsistentObservation):
            decide(payment_after(*PAID), replace(failed(), moved=moved))

    def test_nothing_is_refunded_of_what_was_not_captured(self) -> None:
        with pytest.raises(InconsistentObservation):
            decide(payment_after(a_manual_request(), authorized()), found())

    def test_one_refund_has_one_name_here_whatever_its_metadata_says(self) -> None:
        payment = payment_after(*PAID, refund(2_00), found(1_00))
        assert decide(payment, found(1_00, refund_id=refund_id(8))) == ()
        with pytest.raises(InconsistentObservation):
            decide(payment, found(1_01, refund_id=refund_id(8)))
        (event,) = decide(payment, replace(failed(), refund_id=RefundId(MINE), moved=usd(1_00)))
        assert isinstance(event, RefundFailed)
        assert event.refund_id == THEIRS
        done_at_stripe = replace(done(), refund_id=RefundId(MINE))
        assert decide(payment, done_at_stripe) == decide(payment, done())
