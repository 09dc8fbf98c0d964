"""Refunds: what they reserve, release and refuse."""

from dataclasses import replace

import pytest

from domain.ids import StripeRefundId
from domain.money import AmountNotRepresentable, AmountTooSmall, CurrencyMismatch, Money
from domain.payment.commands import PaymentCommand
from domain.payment.decide import decide
from domain.payment.errors import InconsistentObservation, PaymentNotRefundable, RefundExceedsRefundable
from domain.payment.events import RefundRequested
from domain.payment.observations import (
    RecordCanceled,
    RecordPaymentFailed,
    RecordRefundFailed,
    RecordRefundPending,
    RecordRefundSucceeded,
    RefundObservation,
)
from domain.payment.state import LastError
from domain.payment.values import RefundReason, RefundStatus
from tests.unit.domain.payment_builders import (
    PAYMENT_ID,
    a_manual_request,
    a_request,
    action_required,
    attempt_failed,
    authorized,
    names,
    payment_after,
    processing,
    refund,
    refund_id,
    succeeded,
    then,
    usd,
)

PAID = (a_request(), succeeded())


def pending(number: int = 1, stripe_id: str = "re_1") -> RecordRefundPending:
    return RecordRefundPending(refund_id=refund_id(number), stripe_refund_id=StripeRefundId(stripe_id))


def refunded(number: int = 1, stripe_id: str = "re_1") -> RecordRefundSucceeded:
    return RecordRefundSucceeded(refund_id=refund_id(number), stripe_refund_id=StripeRefundId(stripe_id))


def failed(number: int = 1, stripe_id: str | None = "re_1") -> RecordRefundFailed:
    known = None if stripe_id is None else StripeRefundId(stripe_id)
    return RecordRefundFailed(
        refund_id=refund_id(number), stripe_refund_id=known, code="declined", message="The bank said no."
    )


class TestRequest:
    def test_reserves_its_amount_at_once(self) -> None:
        payment = payment_after(*PAID, refund(6_00))
        assert payment.amount_refund_pending == usd(6_00)
        assert payment.amount_refunded == usd(0)
        assert payment.amount_refundable == usd(4_00)
        mine = payment.refunds[refund_id()]
        assert (mine.status, mine.stripe_refund_id) == (RefundStatus.PENDING, None)

    def test_of_two_that_together_exceed_the_payment_one_loses(self) -> None:
        payment = payment_after(*PAID, refund(6_00, number=1))
        with pytest.raises(RefundExceedsRefundable) as refused:
            decide(payment, refund(6_00, number=2))
        assert refused.value.refundable == usd(4_00)
        assert refused.value.requested == usd(6_00)
        assert refused.value.code == "refund_amount_exceeds_refundable"
        assert "6.00 USD" in str(refused.value)
        assert "4.00 USD" in str(refused.value)

    def test_without_an_amount_takes_all_that_is_left(self) -> None:
        payment = payment_after(*PAID, refund(6_00, number=1), refund(number=2))
        assert payment.refunds[refund_id(2)].amount == usd(4_00)
        for amount in (None, 1):
            with pytest.raises(RefundExceedsRefundable) as refused:
                decide(then(payment, refunded(1)), refund(amount, number=3))
            assert str(refused.value) == (
                "Nothing is left to refund: 6.00 USD is refunded already; 4.00 USD is held by refunds on their way."
            )

    def test_keeps_its_reason(self) -> None:
        command = replace(refund(1_00), reason=RefundReason.FRAUDULENT)
        assert decide(payment_after(*PAID), command) == (
            RefundRequested(refund_id=refund_id(), amount=usd(1_00), reason=RefundReason.FRAUDULENT),
        )

    def test_repeated_is_the_same_refund_whatever_became_of_it(self) -> None:
        payment = payment_after(*PAID, refund(10_00))
        for commands in ((), (refunded(),), (failed(),)):
            assert decide(then(payment, *commands), refund(10_00)) == ()

    def test_may_be_below_the_minimum_charge_but_not_nothing(self) -> None:
        assert names(decide(payment_after(*PAID), refund(1))) == ["RefundRequested"]
        with pytest.raises(AmountTooSmall):
            decide(payment_after(*PAID), refund(0))

    def test_is_limited_by_what_was_captured_not_by_what_was_held(self) -> None:
        payment = payment_after(a_manual_request(), authorized(), succeeded(4_00))
        with pytest.raises(RefundExceedsRefundable):
            decide(payment, refund(4_01))

    def test_is_in_the_currency_of_the_payment(self) -> None:
        euros = replace(refund(), amount=Money(amount_cents=1_00, currency="EUR"))
        with pytest.raises(CurrencyMismatch):
            decide(payment_after(*PAID), euros)

    def test_has_no_fractions_that_the_currency_lacks(self) -> None:
        isk = Money(amount_cents=10_00, currency="ISK")
        payment = payment_after(a_request(amount=isk), replace(succeeded(), amount_captured=isk))
        with pytest.raises(AmountNotRepresentable):
            decide(payment, replace(refund(), amount=Money(amount_cents=1_50, currency="ISK")))

    @pytest.mark.parametrize(
        ("commands", "advice"),
        [
            ((), "once it has succeeded, or cancel it now"),
            ((processing(),), "once it has succeeded"),
            ((attempt_failed(),), "Cancel the payment instead"),
            ((action_required(),), "Cancel the payment instead"),
            ((authorized(),), "Cancel the payment to release it"),
            ((RecordCanceled(intent_id=None),), "nothing to refund"),
            ((RecordPaymentFailed(code="x", message="x"),), "nothing to refund"),
        ],
    )
    def test_needs_captured_money_and_says_what_to_do(self, commands: tuple[PaymentCommand, ...], advice: str) -> None:
        payment = payment_after(a_manual_request(), *commands)
        with pytest.raises(PaymentNotRefundable, match=advice) as refused:
            decide(payment, refund(1_00))
        assert refused.value.status is payment.status


class TestOutcome:
    def test_success_refunds_what_was_reserved(self) -> None:
        payment = payment_after(*PAID, refund(6_00), pending(), refunded())
        assert payment.amount_refunded == usd(6_00)
        assert payment.amount_refund_pending == usd(0)
        assert payment.amount_refundable == usd(4_00)
        assert payment.refunds[refund_id()].stripe_refund_id == "re_1"

    def test_failure_gives_the_reserved_amount_back(self) -> None:
        payment = payment_after(*PAID, refund(6_00), pending(), failed())
        assert payment.amount_refundable == usd(10_00)
        mine = payment.refunds[refund_id()]
        assert mine.status is RefundStatus.FAILED
        assert mine.stripe_refund_id == "re_1"
        assert mine.error == LastError(code="declined", decline_code=None, message="The bank said no.")
        assert names(decide(payment, refund(10_00, number=2))) == ["RefundRequested"]

    def test_a_success_can_still_turn_into_a_failure(self) -> None:
        payment = payment_after(*PAID, refund(6_00), refunded(), failed())
        assert payment.amount_refunded == usd(0)
        assert payment.amount_refundable == usd(10_00)

    @pytest.mark.parametrize("known", [pending(), refunded()])
    def test_one_that_stripe_has_is_not_failed_by_a_refusal(self, known: RefundObservation) -> None:
        payment = payment_after(*PAID, refund(6_00), known)
        assert decide(payment, failed(stripe_id=None)) == ()

    def test_a_failure_is_final(self) -> None:
        payment = payment_after(*PAID, refund(6_00), failed())
        assert decide(payment, refunded()) == ()
        assert decide(payment, pending()) == ()

    @pytest.mark.parametrize("observed", [pending(), refunded(), failed(), failed(stripe_id=None)])
    def test_told_twice_is_recorded_once(self, observed: RefundObservation) -> None:
        payment = payment_after(*PAID, refund(6_00), observed)
        assert decide(payment, observed) == ()

    def test_pending_observed_late_is_nothing_new(self) -> None:
        assert decide(payment_after(*PAID, refund(6_00), refunded()), pending()) == ()

    def test_concerns_one_refund_only(self) -> None:
        payment = payment_after(*PAID, refund(6_00, number=1), refund(3_00, number=2), failed(1), refunded(2, "re_2"))
        assert payment.amount_refunded == usd(3_00)
        assert payment.amount_refundable == usd(7_00)


class TestContradictions:
    @pytest.mark.parametrize("observed", [pending(), refunded(), failed(stripe_id=None)])
    def test_a_refund_that_nobody_asked_for_is_not_believed(self, observed: RefundObservation) -> None:
        with pytest.raises(InconsistentObservation, match=f"No refund {refund_id()} was requested") as refused:
            decide(payment_after(*PAID), observed)
        assert refused.value.payment_id == PAYMENT_ID

    @pytest.mark.parametrize("observed", [pending(1, "re_2"), refunded(1, "re_2"), failed(1, "re_2")])
    @pytest.mark.parametrize("before", [pending(), refunded(), failed()])
    def test_another_refund_at_stripe_is_not_believed(
        self, before: RefundObservation, observed: RefundObservation
    ) -> None:
        with pytest.raises(InconsistentObservation, match=f"Refund {refund_id()} is re_1 at Stripe, not re_2"):
            decide(payment_after(*PAID, refund(6_00), before), observed)

    @pytest.mark.parametrize("observed", [pending(), refunded()])
    def test_a_refund_that_stripe_refused_to_create_does_not_appear_there(self, observed: RefundObservation) -> None:
        payment = payment_after(*PAID, refund(6_00), failed(stripe_id=None))
        with pytest.raises(InconsistentObservation, match="was refused by Stripe, yet it is re_1 there"):
            decide(payment, observed)
