"""Disputes, as Stripe tells of them: recorded once, in whatever order, and what they forbid."""

import pytest

from domain.ids import DisputeId, StripeChargeId
from domain.money import Money
from domain.payment.decide import decide
from domain.payment.errors import InconsistentObservation, PaymentDisputed
from domain.payment.events import (
    DisputeClosed,
    DisputeFundsReinstated,
    DisputeFundsWithdrawn,
    DisputeOpened,
    DisputeUpdated,
)
from domain.payment.observations import RecordDispute
from domain.payment.values import DisputeFunds, DisputeStatus
from tests.unit.domain.payment_builders import (
    a_request,
    authorized,
    disputed,
    names,
    payment_after,
    refund,
    succeeded,
    then,
    usd,
)

PAID = (a_request(), succeeded())
S = DisputeStatus
INQUIRIES = (S.WARNING_NEEDS_RESPONSE, S.WARNING_UNDER_REVIEW, S.WARNING_CLOSED)
CONTESTED = (S.NEEDS_RESPONSE, S.UNDER_REVIEW, S.LOST, S.APPEAL_NEEDS_RESPONSE, S.APPEAL_UNDER_REVIEW)
FINISHED = (*INQUIRIES, S.PREVENTED, S.WON)


class TestCourse:
    def test_a_dispute_is_opened_with_all_that_is_known(self) -> None:
        [opened] = decide(payment_after(*PAID), disputed())
        assert opened == DisputeOpened(
            dispute_id=DisputeId("du_1"),
            charge_id=StripeChargeId("ch_1"),
            amount=usd(10_00),
            reason="fraudulent",
            status="needs_response",
            evidence_due_by=1_800_000_000,
        )
        dispute = payment_after(*PAID, disputed()).disputes[DisputeId("du_1")]
        assert (dispute.status, dispute.funds) == (S.NEEDS_RESPONSE, DisputeFunds.NONE)
        assert dispute.evidence_due_by == 1_800_000_000

    def test_each_step_is_told_by_what_is_new_of_it(self) -> None:
        payment = payment_after(*PAID, disputed())
        steps = [
            (disputed(withdrawn=1), DisputeFundsWithdrawn(dispute_id=DisputeId("du_1"), amount=usd(10_00))),
            (
                disputed(S.UNDER_REVIEW, withdrawn=1),
                DisputeUpdated(dispute_id=DisputeId("du_1"), status="under_review", evidence_due_by=1_800_000_000),
            ),
            (disputed(S.WON, withdrawn=1), DisputeClosed(dispute_id=DisputeId("du_1"), status="won")),
            (
                disputed(S.WON, withdrawn=1, reinstated=1),
                DisputeFundsReinstated(dispute_id=DisputeId("du_1"), amount=usd(10_00)),
            ),
        ]
        for observed, event in steps:
            assert decide(payment, observed) == (event,)
            payment = then(payment, observed)
            assert decide(payment, observed) == ()

    def test_one_that_is_learned_of_at_its_end_is_told_from_its_beginning(self) -> None:
        events = decide(payment_after(*PAID), disputed(S.WON, reinstated=1))
        assert names(events) == ["DisputeOpened", "DisputeFundsWithdrawn", "DisputeClosed", "DisputeFundsReinstated"]

    def test_two_disputes_have_courses_of_their_own(self) -> None:
        payment = payment_after(*PAID, disputed(S.WON), disputed(dispute_id="du_2", amount=usd(3_00)))
        assert [each.status for each in payment.disputes.values()] == [S.WON, S.NEEDS_RESPONSE]
        assert payment.amount_disputed == usd(3_00)

    def test_it_may_be_in_another_currency(self) -> None:
        euros = Money(amount_cents=9_00, currency="EUR")
        payment = payment_after(*PAID, disputed(amount=euros))
        assert payment.disputes[DisputeId("du_1")].amount == euros
        assert payment.amount_disputed == usd(0)

    def test_it_may_be_told_before_the_charge_and_must_be_of_that_charge(self) -> None:
        early = payment_after(a_request(), disputed())
        assert names(decide(early, succeeded())) == ["PaymentIntentCreated", "PaymentSucceeded"]
        for observed in (succeeded(charge_id="ch_2"), authorized(charge_id="ch_2")):
            with pytest.raises(InconsistentObservation, match="The disputed charge is not ch_2"):
                decide(early, observed)
        with pytest.raises(InconsistentObservation):
            decide(payment_after(*PAID), disputed(charge_id="ch_2"))

    def test_it_stays_of_the_charge_of_which_it_was_first_told(self) -> None:
        early = payment_after(a_request(), disputed(evidence_due_by=None))
        with pytest.raises(InconsistentObservation, match="Dispute du_1 is of ch_2, not of ch_1"):
            decide(early, disputed(charge_id="ch_2"))


class TestOrder:
    @pytest.mark.parametrize(
        ("now", "earlier"),
        [
            (S.WARNING_UNDER_REVIEW, S.WARNING_NEEDS_RESPONSE),
            (S.NEEDS_RESPONSE, S.WARNING_CLOSED),
            (S.UNDER_REVIEW, S.NEEDS_RESPONSE),
            (S.LOST, S.UNDER_REVIEW),
            (S.WON, S.UNDER_REVIEW),
            (S.WON, S.LOST),
            (S.WON, S.APPEAL_UNDER_REVIEW),
            (S.NEEDS_RESPONSE, S.WARNING_NEEDS_RESPONSE),
        ],
    )
    def test_a_status_that_was_left_is_nothing_new(self, now: DisputeStatus, earlier: DisputeStatus) -> None:
        late = disputed(earlier, evidence_due_by=1_900_000_000)
        assert decide(payment_after(*PAID, disputed(now)), late) == ()

    def test_an_inquiry_may_become_a_dispute(self) -> None:
        payment = payment_after(*PAID, disputed(S.WARNING_CLOSED), disputed(S.NEEDS_RESPONSE))
        assert payment.disputes[DisputeId("du_1")].status is S.NEEDS_RESPONSE

    def test_what_was_lost_may_be_given_back(self) -> None:
        payment = payment_after(*PAID, disputed(S.LOST))
        assert decide(payment, disputed(S.WON)) == (DisputeClosed(dispute_id=DisputeId("du_1"), status="won"),)

    def test_what_was_won_may_be_withdrawn_again_and_lost(self) -> None:
        won = payment_after(*PAID, disputed(S.WON, withdrawn=1, reinstated=1))
        again = disputed(S.LOST, withdrawn=2, reinstated=1)
        assert decide(won, again) == (
            DisputeFundsWithdrawn(dispute_id=DisputeId("du_1"), amount=usd(10_00)),
            DisputeClosed(dispute_id=DisputeId("du_1"), status="lost"),
        )
        lost = then(won, again)
        assert (lost.disputes[DisputeId("du_1")].status, lost.disputes[DisputeId("du_1")].funds) == (
            S.LOST,
            DisputeFunds.WITHDRAWN,
        )
        assert lost.amount_disputed == usd(10_00)
        for late in (
            again,
            disputed(S.WON, withdrawn=1, reinstated=1),
            disputed(S.UNDER_REVIEW, withdrawn=1),
        ):
            assert decide(lost, late) == ()

    def test_what_was_withdrawn_again_may_be_told_before_its_end(self) -> None:
        won = payment_after(*PAID, disputed(S.WON, withdrawn=1, reinstated=1))
        taken = then(won, disputed(S.WON, withdrawn=2, reinstated=1))
        assert taken.disputes[DisputeId("du_1")].funds is DisputeFunds.WITHDRAWN
        reopened = then(taken, disputed(S.UNDER_REVIEW, withdrawn=2, reinstated=1))
        assert reopened.disputes[DisputeId("du_1")].status is S.UNDER_REVIEW
        lost = disputed(S.LOST, withdrawn=2, reinstated=1)
        assert then(taken, lost).disputes[DisputeId("du_1")].status is S.LOST
        assert then(reopened, lost).disputes[DisputeId("du_1")].status is S.LOST

    def test_what_was_lost_after_all_may_be_given_back_once_more(self) -> None:
        payment = payment_after(*PAID, disputed(S.WON, withdrawn=1, reinstated=1))
        payment = then(payment, disputed(S.LOST, withdrawn=2, reinstated=1))
        given_back = disputed(S.WON, withdrawn=2, reinstated=2)
        assert names(decide(payment, given_back)) == ["DisputeClosed", "DisputeFundsReinstated"]
        payment = then(payment, given_back)
        assert decide(payment, disputed(S.LOST, withdrawn=2, reinstated=1)) == ()

    def test_all_that_happened_since_is_told_at_once(self) -> None:
        events = decide(payment_after(*PAID), disputed(S.LOST, withdrawn=2, reinstated=1))
        assert names(events) == [
            "DisputeOpened",
            "DisputeFundsWithdrawn",
            "DisputeFundsReinstated",
            "DisputeFundsWithdrawn",
            "DisputeClosed",
        ]

    def test_an_appeal_that_fails_ends_in_lost_for_good(self) -> None:
        payment = payment_after(*PAID, disputed(S.LOST), disputed(S.APPEAL_UNDER_REVIEW), disputed(S.LOST))
        assert payment.disputes[DisputeId("du_1")].status is S.LOST
        assert decide(payment, disputed(S.APPEAL_NEEDS_RESPONSE)) == ()
        assert decide(payment, disputed(S.LOST)) == ()
        assert names(decide(payment, disputed(S.WON))) == ["DisputeClosed"]

    def test_the_time_for_evidence_only_moves_later(self) -> None:
        payment = payment_after(*PAID, disputed(evidence_due_by=2))
        assert decide(payment, disputed(evidence_due_by=1)) == decide(payment, disputed(evidence_due_by=None)) == ()
        later = disputed(evidence_due_by=3)
        assert decide(payment, later) == (
            DisputeUpdated(dispute_id=DisputeId("du_1"), status="needs_response", evidence_due_by=3),
        )
        assert decide(payment_after(*PAID, disputed(S.WON)), later) == ()


class TestRefunds:
    @pytest.mark.parametrize("status", CONTESTED)
    def test_are_refused_while_the_bank_has_the_money_or_wants_it(self, status: DisputeStatus) -> None:
        with pytest.raises(PaymentDisputed) as refused:
            decide(payment_after(*PAID, disputed(status)), refund(1_00))
        assert (refused.value.dispute_id, refused.value.dispute_status) == ("du_1", status)

    @pytest.mark.parametrize("status", FINISHED)
    def test_are_granted_beside_an_inquiry_and_a_dispute_that_took_nothing(self, status: DisputeStatus) -> None:
        assert names(decide(payment_after(*PAID, disputed(status)), refund(1_00))) == ["RefundRequested"]

    def test_that_were_asked_for_before_go_on(self) -> None:
        payment = payment_after(*PAID, refund(1_00), disputed())
        assert decide(payment, refund(1_00)) == ()
        assert payment.amount_refund_pending == usd(1_00)

    def test_every_status_is_one_or_the_other(self) -> None:
        assert set(CONTESTED) | set(FINISHED) == set(DisputeStatus)

    def test_the_refusal_says_what_to_do(self) -> None:
        def reason(observed: RecordDispute) -> str:
            with pytest.raises(PaymentDisputed) as refused:
                decide(payment_after(*PAID, observed), refund())
            return str(refused.value)

        assert "refund only if it is won" in reason(disputed())
        assert "the payer has the money back already" in reason(disputed(S.LOST))
