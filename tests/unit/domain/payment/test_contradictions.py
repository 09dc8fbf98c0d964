"""What Stripe says against the log: recorded once, in nobody's way, and believed when an operator says so."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from domain.ids import StripeIntentId, StripeObjectId, StripeRefundId
from domain.ledger import PostingState, post_payment
from domain.ledger.postings import Awaits
from domain.payment.commands import AcceptStripe
from domain.payment.contradictions import refusals
from domain.payment.decide import decide
from domain.payment.errors import (
    ContradictionNotAcceptable,
    InconsistentObservation,
    InvalidPaymentRequest,
    PaymentUnknown,
)
from domain.payment.events import PaymentContradicted, PaymentContradictionResolved, PaymentEvent
from domain.payment.evolve import evolve, fold
from domain.payment.observations import (
    PaymentObservation,
    RecordCanceled,
    RecordPaymentFailed,
    RecordRefundFailed,
    RecordRefundFound,
    RecordRefundPending,
    RecordRefundSucceeded,
)
from domain.payment.observe import Observed, observe
from domain.payment.state import Contradiction, PaymentState
from domain.payment.values import DisputeStatus, PaymentStatus, RefundReason, RefundStatus
from tests.unit.domain.payment_builders import (
    CHARGE,
    a_request,
    authorized,
    disputed,
    history_of,
    names,
    payment_after,
    refund,
    refund_id,
    succeeded,
    then,
    usd,
)

PAID = (a_request(), succeeded())
REFUSED = RecordRefundFailed(refund_id=refund_id(), stripe_refund_id=None, code="declined", message="No.")
FAILED = RecordPaymentFailed(code="declined", message="No.")
ACCEPT = AcceptStripe(actor="ada", reason="seen in the Dashboard")
CAME_BACK: dict[str, Any] = {
    "refund_id": refund_id(),
    "stripe_refund_id": StripeRefundId("re_1"),
    "code": "declined",
    "message": "The bank sent it back.",
}
EXISTS: tuple[PaymentObservation, ...] = (
    RecordRefundFound(refund_id=refund_id(), stripe_refund_id=StripeRefundId("re_1"), amount=usd(4_00)),
    RecordRefundSucceeded(refund_id=refund_id(), stripe_refund_id=StripeRefundId("re_1")),
)
REFUND_REFUSED = (*PAID, refund(4_00), REFUSED)


def seen(state: PaymentState, *observations: PaymentObservation) -> PaymentState:
    """The payment after an observation."""
    return observe(state, observations).state


def clearing(events: Iterable[PaymentEvent]) -> int:
    """What the ledger says that we have at Stripe, in cents."""
    state, cents = PostingState(), 0
    for event in events:
        state, posted = post_payment(state, event)
        moved = [each for each in posted if each.awaits is not Awaits.POSSIBLE]  # that stands only if Stripe has a row
        cents += sum(
            line.amount.amount_cents for each in moved for line in each.lines if line.account == "stripe_clearing"
        )
    return cents


class TestObserve:
    def test_what_does_not_contradict_is_recorded_all_the_same(self) -> None:
        observed = observe(payment_after(*REFUND_REFUSED), (succeeded(), *EXISTS, disputed()))
        assert names(observed.events) == ["PaymentContradicted", "DisputeOpened"]
        contradicted = observed.events[0]
        assert isinstance(contradicted, PaymentContradicted)
        assert (contradicted.object_id, contradicted.status) == ("re_1", "succeeded")
        assert (contradicted.amount, contradicted.refund_id) == (usd(4_00), refund_id())
        assert "was refused by Stripe, yet it is re_1 there" in contradicted.reason
        assert observed.contradictions[0].startswith("InconsistentObservation: ")

    def test_a_contradiction_is_recorded_once_for_each_status(self) -> None:
        pending = (
            EXISTS[0],
            RecordRefundPending(refund_id=refund_id(), stripe_refund_id=StripeRefundId("re_1")),
        )
        state = seen(payment_after(*REFUND_REFUSED), *pending)
        again = observe(state, pending)
        assert (again.events, len(again.contradictions)) == ((), 1)
        assert names(observe(state, EXISTS).events) == ["PaymentContradicted"]

    def test_it_is_over_when_stripe_agrees_again(self) -> None:
        state = seen(payment_after(*PAID), succeeded(9_99))
        assert [each.object_id for each in state.open_contradictions] == ["pi_1"]
        observed = observe(state, (succeeded(),))
        assert observed.events == (
            PaymentContradictionResolved(object_id=StripeObjectId("pi_1"), status="succeeded", actor=None, reason=None),
        )
        assert not observed.state.open_contradictions
        assert names(observe(observed.state, (succeeded(9_99),)).events) == ["PaymentContradicted"]

    @pytest.mark.parametrize(
        ("observed", "object_id", "status", "charge_id"),
        [
            (succeeded(9_99), "pi_1", "succeeded", "ch_1"),
            (succeeded(10_00, charge_id="ch_2"), "pi_1", "succeeded", "ch_2"),
            (authorized(9_99), "pi_1", "requires_capture", "ch_1"),
            (disputed(charge_id="ch_2"), "du_1", "needs_response", "ch_2"),
        ],
    )
    def test_it_says_what_stripe_showed_of_which_charge(
        self, observed: Any, object_id: str, status: str, charge_id: str
    ) -> None:
        (event,) = observe(payment_after(*PAID), (observed,)).events
        assert isinstance(event, PaymentContradicted)
        shown = getattr(observed, "amount_captured", None) or observed.amount
        assert (event.object_id, event.status, event.amount) == (object_id, status, shown)
        assert (event.charge_id, event.refund_id) == (charge_id, None)

    @pytest.mark.parametrize("actor", [None, "ada"], ids=["agreed", "accepted"])
    def test_it_stays_known_as_it_was_said_when_it_is_over(self, actor: str | None) -> None:
        observed = observe(payment_after(a_request(), FAILED), (succeeded(),))
        key = (StripeObjectId("pi_1"), "succeeded")
        said = Contradiction(
            object_id=key[0],
            status=key[1],
            reason="10.00 USD was captured, yet the payment is failed",
            amount=usd(10_00),
            charge_id=CHARGE,
            refund_id=None,
        )
        assert observed.state.contradictions == {key: said}
        over = PaymentContradictionResolved(object_id=key[0], status=key[1], actor=actor, reason=None)
        state = evolve(observed.state, over)
        assert state.contradictions == {key: replace(said, open=False, accepted=actor is not None)}

    def test_a_dispute_of_another_charge_holds_back_no_refund(self) -> None:
        observed = observe(payment_after(*PAID), (disputed(charge_id="ch_2"), *EXISTS))
        assert names(observed.events) == ["PaymentContradicted", "RefundFound", "RefundSucceeded"]

    def test_of_what_is_no_object_of_stripes_nothing_is_recorded(self) -> None:
        with pytest.raises(InconsistentObservation):
            observe(payment_after(*PAID), (REFUSED,))
        with pytest.raises(PaymentUnknown):
            observe(None, (succeeded(),))

    def test_a_replay_of_what_was_observed_gives_the_same_payment(self) -> None:
        before = history_of(*REFUND_REFUSED)
        observed: Observed = observe(fold(before), (succeeded(), *EXISTS))
        accepted = decide(observed.state, ACCEPT)
        assert fold([*before, *observed.events, *accepted]) == fold(accepted, observed.state)


class TestRefundThatFailedHere:
    """Its amount may be refunded again: that Stripe refunds it all the same must be seen."""

    @pytest.mark.parametrize("listed", [RecordRefundSucceeded, RecordRefundPending])
    def test_one_that_stripe_lists_all_the_same_is_said(
        self, listed: type[RecordRefundSucceeded | RecordRefundPending]
    ) -> None:
        state = payment_after(*PAID, refund(4_00), EXISTS[1], RecordRefundFailed(**CAME_BACK))
        again = listed(refund_id=refund_id(), stripe_refund_id=StripeRefundId("re_1"))
        assert observe(state, (again,)).events == (), "a call may have been answered before it failed"
        observed = observe(state, (succeeded(), EXISTS[0], again))
        assert names(observed.events) == ["PaymentContradicted"]
        assert "failed, yet re_1 has not" in observed.contradictions[0]
        accepted = then(observed.state, ACCEPT)
        assert (accepted.amount_refundable, accepted.open_contradictions) == (usd(6_00), ())
        assert observe(accepted, (succeeded(), EXISTS[0], again)).events == ()

    def test_it_is_over_when_it_failed_there_too(self) -> None:
        state = seen(payment_after(*PAID, refund(4_00), EXISTS[1], RecordRefundFailed(**CAME_BACK)), *EXISTS)
        assert state.open_contradictions
        again = observe(state, (succeeded(), RecordRefundFailed(**CAME_BACK, moved=usd(4_00))))
        assert names(again.events) == ["PaymentContradictionResolved"]
        assert again.state.amount_refundable == usd(10_00)

    def test_one_that_was_refused_and_went_and_came_back_is_known(self) -> None:
        state = payment_after(*REFUND_REFUSED)
        observed = observe(state, (succeeded(), RecordRefundFailed(**CAME_BACK, moved=usd(4_00))))
        assert names(observed.events) == ["RefundFound", "RefundFailed"]
        mine = observed.state.refunds[refund_id()]
        assert (mine.status, mine.stripe_refund_id, mine.reason) == (
            RefundStatus.FAILED,
            "re_1",
            state.refunds[refund_id()].reason,
        )
        assert observed.state.amount_refundable == usd(10_00)
        assert observe(observed.state, (RecordRefundFailed(**CAME_BACK, moved=usd(4_00)),)).events == ()
        assert observe(state, (succeeded(), RecordRefundFailed(**CAME_BACK))).events == (), "no money moved"


class TestAccept:
    def test_a_refund_recorded_as_failed_is_made_what_stripe_says(self) -> None:
        before = history_of(*REFUND_REFUSED)
        observed = observe(fold(before), (succeeded(), *EXISTS))
        events = decide(observed.state, ACCEPT)
        assert names(events) == ["PaymentContradictionResolved", "RefundFound", "RefundSucceeded"]
        assert events[0] == PaymentContradictionResolved(
            object_id=StripeObjectId("re_1"), status="succeeded", actor="ada", reason="seen in the Dashboard"
        )
        state = then(observed.state, ACCEPT)
        assert state.refunds[refund_id()].status is RefundStatus.SUCCEEDED
        assert (state.refunds[refund_id()].stripe_refund_id, state.refunds[refund_id()].error) == (
            "re_1",
            None,
        )
        assert (state.amount_refunded, state.amount_refundable) == (usd(4_00), usd(6_00))
        assert clearing([*before, *observed.events, *events]) == 6_00
        assert observe(state, (succeeded(), *EXISTS)).events == ()

    @pytest.mark.parametrize("end", [FAILED, RecordCanceled(intent_id=StripeIntentId("pi_1"))])
    def test_a_payment_that_was_captured_after_all_is_succeeded(self, end: PaymentObservation) -> None:
        before = history_of(a_request(), end)
        observed = observe(fold(before), (succeeded(), *EXISTS))
        assert names(observed.events) == ["PaymentContradicted", "PaymentContradicted"]
        state = then(observed.state, ACCEPT)
        assert (state.status, state.amount_captured) == (PaymentStatus.SUCCEEDED, usd(10_00))
        assert (state.intent_id, state.charge_id) == ("pi_1", "ch_1")
        assert (state.amount_refunded, state.open_contradictions) == (usd(4_00), ())
        assert clearing([*before, *observed.events, *decide(observed.state, ACCEPT)]) == 6_00
        assert observe(state, (succeeded(), *EXISTS)).events == ()

    def test_two_refunds_with_one_id_of_ours_are_both_counted(self) -> None:
        ours = RecordRefundSucceeded(refund_id=refund_id(), stripe_refund_id=StripeRefundId("re_1"))
        twice = tuple(
            observed
            for stripe_id in ("re_1", "re_2")
            for observed in (
                RecordRefundFound(refund_id=refund_id(), stripe_refund_id=StripeRefundId(stripe_id), amount=usd(4_00)),
                RecordRefundSucceeded(refund_id=refund_id(), stripe_refund_id=StripeRefundId(stripe_id)),
            )
        )
        state = then(seen(payment_after(*PAID, refund(4_00), ours), *twice), ACCEPT)
        assert state.amount_refunded == usd(8_00)
        assert [each.stripe_refund_id for each in state.refunds.values()] == ["re_1", "re_2"]
        assert observe(state, twice).events == ()

    def test_more_refunded_than_captured_leaves_nothing_to_refund(self) -> None:
        found = RecordRefundFound(refund_id=refund_id(9), stripe_refund_id=StripeRefundId("re_9"), amount=usd(8_00))
        done = RecordRefundSucceeded(refund_id=refund_id(9), stripe_refund_id=StripeRefundId("re_9"))
        state = then(seen(seen(payment_after(*PAID), *EXISTS), found, done), ACCEPT)
        assert (state.amount_refunded, state.amount_refundable) == (usd(12_00), usd(0))

    @pytest.mark.parametrize("reason", [None, RefundReason.FRAUDULENT])
    def test_a_refund_keeps_the_reason_for_which_it_was_asked(self, reason: RefundReason | None) -> None:
        state = payment_after(*PAID, replace(refund(4_00), reason=reason), REFUSED)
        accepted = then(seen(state, *EXISTS), ACCEPT)
        assert accepted.refunds[refund_id()].reason is reason
        assert accepted.refunds[refund_id()].amount == usd(4_00)

    @pytest.mark.parametrize(
        ("observed", "said"),
        [
            (succeeded(9_99), "pi_1: 10.00 USD was captured, not 9.99 USD: what is recorded cannot be taken back"),
            (authorized(9_99), "pi_1: 10.00 USD was captured of 9.99 USD: what is recorded cannot be taken back"),
            (
                disputed(charge_id="ch_2"),
                "du_1: Dispute du_1 is of ch_2, not of ch_1: what is recorded cannot be taken back",
            ),
        ],
    )
    def test_what_is_posted_already_is_not_taken_back(self, observed: PaymentObservation, said: str) -> None:
        state = seen(payment_after(*PAID), observed)
        assert len(state.open_contradictions) == 1
        with pytest.raises(ContradictionNotAcceptable) as refused:
            decide(state, ACCEPT)
        assert refused.value.reason == said
        assert refused.value.payment_id == state.payment_id

    def test_a_refund_of_what_is_not_captured_here_has_to_wait(self) -> None:
        state = seen(payment_after(a_request(), FAILED), *EXISTS)
        with pytest.raises(ContradictionNotAcceptable, match="nothing is captured here: accept the payment first"):
            decide(state, ACCEPT)

    def test_what_can_be_accepted_is_beside_what_cannot(self) -> None:
        state = seen(payment_after(*REFUND_REFUSED), disputed(DisputeStatus.LOST, charge_id="ch_2"), *EXISTS)
        state = then(state, ACCEPT)
        assert [each.object_id for each in state.open_contradictions] == ["du_1"]
        assert state.amount_refunded == usd(4_00)
        assert refusals(state) == (
            "du_1: Dispute du_1 is of ch_2, not of ch_1: what is recorded cannot be taken back",
        ), "the operator is told what is left, and why"

    def test_it_needs_a_contradiction_somebody_and_a_reason(self) -> None:
        with pytest.raises(ContradictionNotAcceptable, match="Stripe contradicts nothing"):
            decide(payment_after(*PAID), ACCEPT)
        state = seen(payment_after(*REFUND_REFUSED), *EXISTS)
        for said in (AcceptStripe(actor=" ", reason="x"), AcceptStripe(actor="ada", reason="")):
            with pytest.raises(InvalidPaymentRequest, match="must not be empty"):
                decide(state, said)

    def test_it_may_be_accepted_before_stripe_settles_the_refund(self) -> None:
        pending = (
            EXISTS[0],
            RecordRefundPending(refund_id=refund_id(), stripe_refund_id=StripeRefundId("re_1")),
        )
        state = then(seen(payment_after(*REFUND_REFUSED), *pending), ACCEPT)
        assert state.amount_refund_pending == usd(4_00)
        assert evolve(state, observe(state, EXISTS).events[0]).amount_refunded == usd(4_00)
