"""What Stripe says of a charge: once, twice, late, in any order."""

from dataclasses import replace
from itertools import permutations

import pytest

from domain.ids import StripeIntentId
from domain.money import Money
from domain.payment.commands import ConfirmPayment, PaymentCommand
from domain.payment.decide import decide
from domain.payment.errors import InconsistentObservation
from domain.payment.events import PaymentAttemptFailed, PaymentIntentCreated
from domain.payment.observations import (
    IntentObservation,
    RecordAttemptFailed,
    RecordCanceled,
    RecordIntentCreated,
    RecordPaymentFailed,
)
from domain.payment.state import LastError, NextAction
from domain.payment.values import PaymentStatus
from tests.unit.domain.payment_builders import (
    INTENT,
    a_manual_request,
    a_request,
    action_required,
    an_unconfirmed_request,
    attempt_failed,
    authorized,
    cancel,
    cancel_failed,
    capture,
    history_of,
    intent_created,
    names,
    payment_after,
    processing,
    refund,
    succeeded,
    then,
    usd,
)

CANCELED = RecordCanceled(intent_id=StripeIntentId(INTENT), reason="abandoned")
REFUSED = RecordPaymentFailed(code="parameter_invalid", message="No such payment method.")
TRY_AGAIN = ConfirmPayment(payment_method="pm_2")


class TestTheWayOfACharge:
    def test_automatic_capture_authorizes_and_captures_at_once(self) -> None:
        payment = payment_after(a_request(), intent_created(), succeeded())
        assert payment.status is PaymentStatus.SUCCEEDED
        assert payment.amount_authorized == payment.amount_captured == payment.amount_refundable == usd(10_00)
        assert payment.amount_capturable == usd(0)
        assert (payment.intent_id, payment.charge_id) == (INTENT, "ch_1")
        assert not payment.confirmation_requested

    def test_manual_capture_holds_first(self) -> None:
        payment = payment_after(a_manual_request(), intent_created(), authorized())
        assert payment.status is PaymentStatus.REQUIRES_CAPTURE
        assert payment.amount_authorized == payment.amount_capturable == usd(10_00)
        assert payment.amount_captured == usd(0)
        assert payment.capture_before == 1_800_000_000

    def test_when_a_hold_ends_can_be_learned_later_and_is_learned_once(self) -> None:
        unsaid = replace(authorized(), capture_before=None)
        payment = payment_after(a_manual_request(), intent_created(), unsaid)
        assert (payment.status, payment.capture_before) == (PaymentStatus.REQUIRES_CAPTURE, None)
        updated = then(payment, authorized())
        assert updated == replace(payment, capture_before=1_800_000_000)
        for known in (unsaid, authorized(), replace(authorized(), capture_before=1_900_000_000)):
            assert decide(updated, known) == ()

    @pytest.mark.parametrize("status", [PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.REQUIRES_CONFIRMATION])
    def test_an_unconfirmed_payment_is_pending_until_stripe_knows_it(self, status: PaymentStatus) -> None:
        payment = payment_after(an_unconfirmed_request())
        assert payment.status is PaymentStatus.PENDING
        payment = then(payment, intent_created(status))
        assert payment.status is status
        assert not payment.confirmation_requested

    def test_an_action_is_shown_until_it_is_done(self) -> None:
        payment = payment_after(a_request(), action_required())
        assert payment.status is PaymentStatus.REQUIRES_ACTION
        assert payment.next_action == NextAction(type="redirect_to_url", redirect_url="https://bank.example/3ds/1")
        for done in (processing(), authorized(), succeeded(), attempt_failed(), CANCELED, REFUSED):
            assert then(payment, done).next_action is None

    def test_a_decline_asks_for_another_method_and_says_why(self) -> None:
        payment = payment_after(a_request(), attempt_failed())
        assert payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD
        assert payment.last_error == LastError(
            code="card_declined",
            decline_code="insufficient_funds",
            message="Your card has insufficient funds.",
        )

    def test_another_attempt_under_way_has_no_error_until_its_outcome(self) -> None:
        declined = payment_after(a_request(), attempt_failed("ch_a"))
        payment = then(declined, TRY_AGAIN)
        assert (payment.status, payment.last_error) == (PaymentStatus.REQUIRES_PAYMENT_METHOD, None)
        for further in (action_required(), processing(), authorized(), succeeded(), CANCELED):
            assert then(payment, further).last_error is None
        assert then(payment, attempt_failed("ch_a")) == payment, "that of before, told again"
        assert then(payment, attempt_failed("ch_b")).last_error == declined.last_error

    def test_one_canceled_after_a_decline_goes_on_to_say_why(self) -> None:
        declined = payment_after(a_request(), attempt_failed())
        assert declined.last_error is not None
        for canceled in (then(declined, CANCELED), then(declined, cancel(), CANCELED)):
            assert (canceled.status, canceled.last_error) == (PaymentStatus.CANCELED, declined.last_error)

    def test_a_request_refused_for_good_fails_the_payment(self) -> None:
        payment = payment_after(a_request(), REFUSED)
        assert payment.status is PaymentStatus.FAILED
        assert payment.last_error == LastError(
            code="parameter_invalid", decline_code=None, message="No such payment method."
        )

    def test_canceling_releases_what_was_held(self) -> None:
        payment = payment_after(a_manual_request(), authorized(), CANCELED)
        assert payment.status is PaymentStatus.CANCELED
        assert payment.amount_capturable == payment.amount_captured == usd(0)

    def test_a_payment_canceled_before_stripe_knew_it_has_no_intent(self) -> None:
        payment = payment_after(a_request(), RecordCanceled(intent_id=None))
        assert payment.status is PaymentStatus.CANCELED
        assert payment.intent_id is None


class TestTheIntent:
    def test_whatever_tells_of_it_first_records_it_first(self) -> None:
        for observed in (
            action_required(),
            processing(),
            authorized(),
            succeeded(),
            attempt_failed(),
            CANCELED,
        ):
            first, second = decide(payment_after(a_request()), observed)
            assert first == PaymentIntentCreated(
                intent_id=StripeIntentId(INTENT), status=PaymentStatus.REQUIRES_CONFIRMATION
            )
            assert not isinstance(second, PaymentIntentCreated)

    def test_without_a_method_it_waits_for_one(self) -> None:
        first, _ = decide(payment_after(an_unconfirmed_request()), action_required())
        assert first == PaymentIntentCreated(
            intent_id=StripeIntentId(INTENT), status=PaymentStatus.REQUIRES_PAYMENT_METHOD
        )

    def test_observed_late_is_nothing_new(self) -> None:
        assert decide(payment_after(a_request(), succeeded()), intent_created()) == ()

    def test_told_after_a_decline_that_did_not_name_it_leaves_the_status(self) -> None:
        nameless = replace(attempt_failed(), intent_id=None)
        payment = payment_after(a_request(), nameless, intent_created())
        assert payment.intent_id == INTENT
        assert payment.status is PaymentStatus.REQUIRES_PAYMENT_METHOD

    @pytest.mark.parametrize("finished", [RecordCanceled(intent_id=None), REFUSED])
    def test_of_a_finished_payment_is_nothing_new(self, finished: PaymentCommand) -> None:
        assert decide(payment_after(a_request(), finished), intent_created()) == ()

    @pytest.mark.parametrize(
        "status",
        [
            each
            for each in PaymentStatus
            if each not in {PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.REQUIRES_CONFIRMATION}
        ],
    )
    def test_a_status_with_a_fact_of_its_own_is_not_told_in_passing(self, status: PaymentStatus) -> None:
        with pytest.raises(ValueError, match=status.value):
            RecordIntentCreated(intent_id=StripeIntentId(INTENT), status=status)

    @pytest.mark.parametrize(
        "observed",
        [intent_created(), action_required(), processing(), authorized(), succeeded(), attempt_failed(), CANCELED],
    )
    def test_another_one_is_not_believed(
        self, observed: RecordIntentCreated | RecordAttemptFailed | RecordCanceled
    ) -> None:
        for before in ((intent_created(),), (succeeded(),), (CANCELED,)):
            with pytest.raises(InconsistentObservation):
                decide(payment_after(a_request(), *before), replace(observed, intent_id=StripeIntentId("pi_2")))


class TestObservationsTwice:
    @pytest.mark.parametrize(
        "observed",
        [
            intent_created(),
            action_required(),
            action_required(url=None),
            processing(),
            attempt_failed(),
            authorized(),
            succeeded(),
            CANCELED,
            RecordCanceled(intent_id=None),
            REFUSED,
        ],
    )
    def test_are_recorded_once(self, observed: IntentObservation) -> None:
        payment = payment_after(a_manual_request(), observed)
        assert decide(payment, observed) == ()

    def test_a_failed_attempt_is_recorded_once_ever(self) -> None:
        payment = payment_after(
            a_request(),
            attempt_failed("ch_a"),
            TRY_AGAIN,
            attempt_failed("ch_b"),
            TRY_AGAIN,
            action_required(),
        )
        assert decide(payment, attempt_failed("ch_a")) == ()
        assert decide(payment, attempt_failed("ch_b")) == ()
        assert names(decide(payment, attempt_failed("ch_c"))) == ["PaymentAttemptFailed"]

    def test_another_action_is_new_and_the_earlier_one_is_not(self) -> None:
        payment = payment_after(a_request(), action_required("https://a.example"))
        payment = then(payment, action_required("https://b.example"))
        assert payment.next_action is not None
        assert payment.next_action.redirect_url == "https://b.example"
        assert decide(payment, action_required("https://a.example")) == ()


class TestRoundAgain:
    def test_an_action_seen_before_a_decline_is_old_until_another_confirmation(self) -> None:
        payment = payment_after(a_request(), action_required(), attempt_failed())
        assert decide(payment, action_required()) == ()
        payment = then(payment, TRY_AGAIN)
        assert then(payment, action_required()).status is PaymentStatus.REQUIRES_ACTION

    def test_an_action_is_new_once_for_each_confirmation(self) -> None:
        payment = payment_after(a_request(), action_required(), attempt_failed(), TRY_AGAIN, action_required())
        assert decide(payment, action_required()) == ()

    def test_a_new_action_after_a_decline_comes_from_the_customers_browser(self) -> None:
        payment = payment_after(a_request(), action_required("https://a.example"), attempt_failed())
        assert then(payment, action_required("https://b.example")).status is PaymentStatus.REQUIRES_ACTION

    def test_processing_seen_before_a_decline_is_old_until_confirmed_again(self) -> None:
        payment = payment_after(a_request(), processing(), attempt_failed())
        assert decide(payment, processing()) == ()
        assert then(payment, TRY_AGAIN, processing()).status is PaymentStatus.PROCESSING

    def test_a_second_attempt_may_succeed(self) -> None:
        payment = payment_after(a_request(), action_required(), processing(), attempt_failed(), TRY_AGAIN, succeeded())
        assert payment.status is PaymentStatus.SUCCEEDED


class TestFailuresWithoutAName:
    """A 3-D Secure that fails makes no charge, and none of our calls made it."""

    NAMELESS = replace(attempt_failed(), attempt_id=None)

    def test_ends_an_attempt_and_is_recorded_once(self) -> None:
        payment = payment_after(a_request(), action_required())
        [event] = decide(payment, self.NAMELESS)
        assert isinstance(event, PaymentAttemptFailed)
        assert event.attempt_id == "attempt_1"
        assert decide(then(payment, self.NAMELESS), self.NAMELESS) == ()

    def test_is_new_again_when_another_attempt_ends_so(self) -> None:
        payment = payment_after(a_request(), action_required(), self.NAMELESS, TRY_AGAIN, action_required())
        [event] = decide(payment, self.NAMELESS)
        assert isinstance(event, PaymentAttemptFailed)
        assert event.attempt_id == "attempt_2"

    def test_is_not_new_again_after_a_cancellation_was_refused(self) -> None:
        payment = payment_after(a_request(), attempt_failed(), cancel())
        assert decide(payment, self.NAMELESS) == ()
        payment = then(payment, cancel_failed())
        assert payment.last_error is not None
        assert payment.last_error.code == "unexpected_state"
        assert decide(payment, self.NAMELESS) == ()

    def test_another_reason_is_new(self) -> None:
        payment = payment_after(a_request(), attempt_failed())
        assert decide(payment, self.NAMELESS) == (), "the call that failed told it already"
        assert names(decide(payment, replace(self.NAMELESS, code="expired_card"))) == ["PaymentAttemptFailed"]

    def test_says_nothing_of_a_confirmation_that_has_no_outcome(self) -> None:
        assert decide(payment_after(a_request(), action_required(), self.NAMELESS, TRY_AGAIN), self.NAMELESS) == ()
        assert decide(payment_after(a_request()), self.NAMELESS) == ()


class TestLateObservations:
    BEFORE_HOLD = (intent_created(), action_required(), processing(), attempt_failed(), REFUSED)

    @pytest.mark.parametrize("late", BEFORE_HOLD)
    def test_held_money_absorbs_what_came_before_it(self, late: PaymentCommand) -> None:
        assert decide(payment_after(a_manual_request(), authorized()), late) == ()
        assert decide(payment_after(a_manual_request(), authorized(), capture()), late) == ()

    @pytest.mark.parametrize("late", [*BEFORE_HOLD, CANCELED])
    @pytest.mark.parametrize("finished", [succeeded(), CANCELED, REFUSED])
    def test_a_settled_payment_absorbs_everything(self, finished: PaymentCommand, late: PaymentCommand) -> None:
        assert decide(payment_after(a_manual_request(), finished), late) == ()

    @pytest.mark.parametrize("finished", [succeeded(), CANCELED])
    def test_a_late_hold_of_what_stripe_has_ended_is_nothing_new(self, finished: PaymentCommand) -> None:
        assert decide(payment_after(a_manual_request(), finished), authorized()) == ()

    def test_processing_absorbs_the_action_before_it(self) -> None:
        assert decide(payment_after(a_request(), processing()), action_required()) == ()

    def test_every_order_of_one_charge_ends_in_the_same_money(self) -> None:
        updated: list[PaymentCommand] = [intent_created(), action_required(), processing(), authorized(), succeeded()]
        for order in permutations(updated):
            payment = payment_after(a_manual_request(), *order)
            assert payment.status is PaymentStatus.SUCCEEDED
            assert payment.amount_captured == payment.amount_authorized == usd(10_00)
            assert payment.amount_capturable == usd(0)
            assert names(history_of(a_manual_request(), *order)).count("PaymentSucceeded") == 1


class TestContradictions:
    def test_more_than_was_asked_for_is_not_believed(self) -> None:
        for observed in (authorized(10_01), succeeded(10_01)):
            with pytest.raises(InconsistentObservation):
                decide(payment_after(a_manual_request()), observed)

    def test_more_than_was_held_is_not_believed(self) -> None:
        payment = payment_after(a_manual_request(), authorized(8_00))
        with pytest.raises(InconsistentObservation):
            decide(payment, succeeded(8_01))
        assert then(payment, succeeded(8_00)).amount_captured == usd(8_00)

    def test_nothing_at_all_is_not_believed(self) -> None:
        for observed in (authorized(0), succeeded(0)):
            with pytest.raises(InconsistentObservation):
                decide(payment_after(a_manual_request()), observed)

    def test_another_currency_is_not_believed(self) -> None:
        euros = Money(amount_cents=10_00, currency="EUR")
        for observed in (replace(authorized(), amount=euros), replace(succeeded(), amount_captured=euros)):
            for before in ((), (authorized(),), (succeeded(),), (CANCELED,)):
                with pytest.raises(InconsistentObservation):
                    decide(payment_after(a_manual_request(), *before), observed)

    def test_another_charge_is_not_believed(self) -> None:
        payment = payment_after(a_manual_request(), authorized())
        for observed in (authorized(charge_id="ch_2"), succeeded(charge_id="ch_2")):
            for known in (payment, then(payment, succeeded())):
                with pytest.raises(InconsistentObservation, match="The charge is ch_1, not ch_2"):
                    decide(known, observed)

    def test_another_amount_of_what_was_held_or_captured_is_not_believed(self) -> None:
        with pytest.raises(InconsistentObservation):
            decide(payment_after(a_manual_request(), authorized(8_00)), authorized(9_00))
        with pytest.raises(InconsistentObservation):
            decide(payment_after(a_manual_request(), succeeded(8_00)), succeeded(9_00))
        with pytest.raises(InconsistentObservation):
            decide(payment_after(a_manual_request(), succeeded(8_00)), authorized(7_00))

    @pytest.mark.parametrize("finished", [CANCELED, REFUSED])
    def test_money_taken_from_a_payment_given_up_is_not_swallowed(self, finished: PaymentCommand) -> None:
        with pytest.raises(InconsistentObservation):
            decide(payment_after(a_request(), finished), succeeded())

    @pytest.mark.parametrize("finished", [RecordCanceled(intent_id=None, reason="expired"), REFUSED])
    def test_money_held_for_a_payment_given_up_is_not_swallowed(self, finished: PaymentCommand) -> None:
        with pytest.raises(InconsistentObservation, match=r"10\.00 USD is held, yet the payment is (canceled|failed)"):
            decide(payment_after(a_manual_request(), finished), authorized())

    def test_it_says_which_payment_and_why(self) -> None:
        payment = payment_after(a_request(), intent_created())
        with pytest.raises(InconsistentObservation, match=r"The intent is pi_1, not pi_2 \(payment .*\)\.") as refused:
            decide(payment, replace(succeeded(), intent_id=StripeIntentId("pi_2")))
        assert refused.value.payment_id == payment.payment_id
        assert refused.value.code == "inconsistent_observation"

    def test_a_late_hold_says_nothing_new_of_money_taken_and_given_back(self) -> None:
        payment = payment_after(a_manual_request(), succeeded(8_00), refund(8_00))
        assert decide(payment, authorized(10_00)) == ()
