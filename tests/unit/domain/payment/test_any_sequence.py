"""Whatever is asked and said, in whatever order and however often: the money adds up."""

from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from domain.errors import DomainError
from domain.money import Money
from domain.payment.commands import (
    CancelPayment,
    CapturePayment,
    ConfirmPayment,
    GiveUpTask,
    OperatorCommand,
    PaymentCommand,
    RequestRefund,
    RetryTask,
)
from domain.payment.decide import decide
from domain.payment.errors import InconsistentObservation, PaymentDisputed
from domain.payment.events import (
    PaymentAttemptFailed,
    PaymentCancelFailed,
    PaymentCancelRequested,
    PaymentCaptureRequested,
    PaymentConfirmationRequested,
    PaymentEvent,
    RefundFound,
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
    RecordDispute,
    RecordIntentCreated,
    RecordPaymentFailed,
    RecordProcessing,
    RecordRefundFailed,
    RecordRefundFound,
    RecordRefundPending,
    RecordRefundSucceeded,
    RecordSucceeded,
)
from domain.payment.state import APPEALS, Dispute, LastError, PaymentState
from domain.payment.values import CaptureMethod, DisputeFunds, DisputeStatus, PaymentStatus, RefundStatus
from tests.support.hypothesis_profiles import examples
from tests.unit.domain.payment_builders import (
    a_request,
    attempt_failed,
    authorized,
    refund_id,
    request_id,
    succeeded,
    usd,
)

# Small pools, so that ids and amounts meet again; each first element is the one that fits, and is drawn most.
moneys = st.sampled_from(
    [usd(10_00)] * 3 + [usd(4_00), usd(6_00), usd(1), usd(0), usd(10_01), Money(amount_cents=4_00, currency="EUR")]
)
intents = st.sampled_from(["pi_1"] * 19 + ["pi_2"])
maybe_intents = st.one_of(st.none(), intents)
charges = st.sampled_from(["ch_1"] * 19 + ["ch_2"])
methods = st.sampled_from([None, "pm_1", "pm_2"])
urls = st.sampled_from([None, "https://a.example", "https://b.example"])
request_ids = st.builds(request_id, st.integers(1, 3))
refund_ids = st.builds(refund_id, st.integers(1, 3))
stripe_refund_ids = st.sampled_from(["re_1"] * 5 + ["re_2"])
codes = st.just("code")
refusals = st.just("refused")
"""Codes of captures and cancellations: never those of an attempt."""
texts = st.just("message")

observations: st.SearchStrategy[PaymentObservation] = st.one_of(
    st.builds(
        RecordIntentCreated,
        intent_id=intents,
        status=st.sampled_from([PaymentStatus.REQUIRES_PAYMENT_METHOD, PaymentStatus.REQUIRES_CONFIRMATION]),
    ),
    st.builds(RecordActionRequired, intent_id=intents, action_type=st.just("3ds"), redirect_url=urls),
    st.builds(RecordProcessing, intent_id=intents),
    st.builds(RecordAuthorized, intent_id=intents, amount=moneys, charge_id=charges),
    st.builds(
        RecordAttemptFailed,
        intent_id=maybe_intents,
        attempt_id=st.sampled_from(["a1", "a2", "a3", None]),
        code=codes,
        message=texts,
    ),
)
failed_requests: st.SearchStrategy[PaymentObservation] = st.one_of(
    st.builds(RecordCaptureFailed, request_id=request_ids, code=refusals, message=texts),
    st.builds(RecordCancelFailed, request_id=request_ids, code=refusals, message=texts),
)
ends: st.SearchStrategy[PaymentObservation] = st.one_of(
    st.builds(RecordSucceeded, intent_id=intents, amount_captured=moneys, charge_id=charges),
    st.builds(RecordCanceled, intent_id=maybe_intents),
    st.builds(RecordPaymentFailed, code=codes, message=texts),
)
refund_observations: st.SearchStrategy[PaymentObservation] = st.one_of(
    st.builds(RecordRefundPending, refund_id=refund_ids, stripe_refund_id=stripe_refund_ids),
    st.builds(RecordRefundSucceeded, refund_id=refund_ids, stripe_refund_id=stripe_refund_ids),
    st.builds(
        RecordRefundFailed,
        refund_id=refund_ids,
        stripe_refund_id=st.one_of(st.none(), stripe_refund_ids),
        code=codes,
        message=texts,
        moved=st.one_of(st.none(), moneys),
    ),
)
found_refunds = st.builds(
    RecordRefundFound,
    refund_id=st.builds(refund_id, st.integers(1, 5)),
    stripe_refund_id=st.sampled_from(["re_1", "re_2", "re_3"]),
    amount=moneys,
)
disputes = st.builds(
    RecordDispute,
    dispute_id=st.sampled_from(["du_1", "du_1", "du_2"]),
    charge_id=charges,
    amount=moneys,
    reason=st.just("fraudulent"),
    status=st.sampled_from(DisputeStatus),
    evidence_due_by=st.sampled_from([None, 1_800_000_000, 1_900_000_000]),
    withdrawn=st.lists(moneys, max_size=2).map(tuple),
    reinstated=st.lists(moneys, max_size=2).map(tuple),
)
operator_commands: st.SearchStrategy[OperatorCommand] = st.one_of(
    st.builds(RetryTask, event_id=request_ids, operation=texts, actor=texts, reason=texts),
    st.builds(GiveUpTask, event_id=request_ids, operation=texts, actor=texts, reason=texts),
)
confirmations = st.builds(ConfirmPayment, payment_method=methods)
captures = st.builds(CapturePayment, request_id=request_ids, amount=st.one_of(st.none(), moneys))
cancellations = st.builds(CancelPayment, request_id=request_ids)
refund_requests = st.builds(RequestRefund, refund_id=refund_ids, amount=st.one_of(st.none(), moneys))

CONFIRMABLE = {
    PaymentStatus.REQUIRES_PAYMENT_METHOD,
    PaymentStatus.REQUIRES_CONFIRMATION,
    PaymentStatus.REQUIRES_ACTION,
}

# Where a run begins: as deep as a run from nothing seldom gets.
starts: st.SearchStrategy[list[PaymentObservation]] = st.sampled_from(
    [[], [attempt_failed()], [authorized(10_00)], [authorized(6_00)], [succeeded(10_00)], [succeeded(4_00)]]
)


def money_of(state: PaymentState) -> tuple[Money, ...]:
    """All of the money, and with it who holds it."""
    refunds = (refund.amount for refund in state.refunds.values() if refund.status is not RefundStatus.FAILED)
    return (
        state.amount_authorized,
        state.amount_capturable,
        state.amount_captured,
        state.amount_refunded,
        state.amount_refund_pending,
        *refunds,
    )


def may_be_new_again(state: PaymentState, observed: PaymentObservation) -> bool:
    """The repetitions that nothing tells from news: see domain.payment.intents and disputes."""
    match observed:
        case RecordActionRequired() | RecordProcessing():
            return state.confirmation_requested
        case RecordAttemptFailed(attempt_id=None):
            return state.status is not PaymentStatus.REQUIRES_PAYMENT_METHOD
        case RecordDispute() if observed.dispute_id in state.disputes:
            dispute = state.disputes[observed.dispute_id]
            appealed = observed.status is DisputeStatus.LOST and dispute.status in APPEALS
            # After the amount was taken once more, won may be what it was before that: any other status is news then.
            return appealed or dispute.times_withdrawn > 1
        case _:
            return False


def contradicts(state: PaymentState, observed: PaymentObservation) -> bool:
    """What was recorded, and cannot be said again: that Stripe lists a refund which failed since then."""
    if not isinstance(observed, RecordRefundFound) or observed.refund_id not in state.refunds:
        return False
    return state.refunds[observed.refund_id].status is RefundStatus.FAILED


def went_back(before: Dispute, after: Dispute) -> bool:
    order, funds = list(DisputeStatus), list(DisputeFunds)
    appeal_failed = before.status in APPEALS and after.status is DisputeStatus.LOST
    if after.times_withdrawn > max(before.times_withdrawn, 1):
        return False  # a new round
    taken_again = before.times_withdrawn > 1 and before.funds is DisputeFunds.WITHDRAWN
    if taken_again and before.status is DisputeStatus.WON:
        return False
    return (
        (order.index(after.status) < order.index(before.status) and not appeal_failed)
        or funds.index(after.funds) < funds.index(before.funds)
        or (after.evidence_due_by or 0) < (before.evidence_due_by or 0)
    )


class AnySequence(RuleBasedStateMachine):
    state: PaymentState
    history: list[PaymentEvent]
    observed_before: list[PaymentObservation]
    recorded: list[PaymentObservation]

    @initialize(method=methods, confirm=st.booleans(), capture=st.sampled_from(CaptureMethod), start=starts)
    def request(
        self, method: str | None, confirm: bool, capture: CaptureMethod, start: list[PaymentObservation]
    ) -> None:
        request = a_request(payment_method=method, confirm=confirm and method is not None, capture_method=capture)
        self.history = list(decide(None, request))
        self.observed_before = []
        self.recorded = []
        self.state = self._replayed()
        for observed in start:
            self._say(observed)

    # Commands are asked where they can be granted: elsewhere they only raise, as the other tests show.

    @precondition(lambda self: self.state.status in CONFIRMABLE)
    @rule(command=confirmations)
    def ask_to_confirm(self, command: PaymentCommand) -> None:
        self._ask(command)

    @precondition(lambda self: self.state.status is PaymentStatus.REQUIRES_CAPTURE)
    @rule(command=captures)
    def ask_to_capture(self, command: PaymentCommand) -> None:
        self._ask(command)

    @precondition(lambda self: not self.state.is_terminal)
    @rule(command=cancellations)
    def ask_to_cancel(self, command: PaymentCommand) -> None:
        self._ask(command)

    @precondition(lambda self: self.state.status is PaymentStatus.SUCCEEDED)
    @rule(command=refund_requests)
    def ask_for_a_refund(self, command: PaymentCommand) -> None:
        self._ask(command)

    @rule(observed=observations)
    def say(self, observed: PaymentObservation) -> None:
        self._say(observed)

    @precondition(lambda self: self.state.capture_requested or self.state.cancel_requested)
    @rule(observed=failed_requests)
    def say_of_a_request(self, observed: PaymentObservation) -> None:
        self._say(observed)

    @precondition(lambda self: self.state.refunds)
    @rule(observed=refund_observations)
    def say_of_a_refund(self, observed: PaymentObservation) -> None:
        self._say(observed)

    @rule(observed=st.one_of(found_refunds, disputes))
    def say_what_happened_at_stripe_itself(self, observed: PaymentObservation) -> None:
        self._say(observed)

    @rule(command=operator_commands)
    def operate(self, command: OperatorCommand) -> None:
        before = money_of(self.state), self.state.status
        self._ask(command)
        assert (money_of(self.state), self.state.status) == before

    @rule(observed=ends, chance=st.integers(1, 5))
    def say_the_end(self, observed: PaymentObservation, chance: int) -> None:
        if chance == 5 or self.state.is_terminal:
            self._say(observed)

    @precondition(lambda self: self.observed_before)
    @rule(data=st.data())
    def say_again(self, data: st.DataObject) -> None:
        before = money_of(self.state)
        self._say(data.draw(st.sampled_from(self.observed_before)))
        assert money_of(self.state) == before

    @invariant()
    def refunds_captures_and_authorizations_are_nested(self) -> None:
        state = self.state
        assert state.amount_refunded_at_stripe <= state.amount_captured
        if not any(isinstance(event, RefundFound) for event in self.history):
            assert state.amount_refunded + state.amount_refund_pending <= state.amount_captured
        assert state.amount_captured + state.amount_capturable <= state.amount_authorized
        assert state.amount_authorized <= state.amount
        assert state.amount_refundable >= usd(0)

    @invariant()
    def the_status_agrees_with_the_money(self) -> None:
        state = self.state
        assert (state.status is PaymentStatus.SUCCEEDED) == (state.amount_captured > usd(0))
        assert (state.status is PaymentStatus.REQUIRES_CAPTURE) == (state.amount_capturable > usd(0))
        assert state.capture_requested is None or state.cancel_requested is None
        if state.is_terminal:
            assert state.capture_requested is None
            assert state.cancel_requested is None
            assert not state.confirmation_requested
        if state.capture_requested:
            assert state.capture_requested.amount <= state.amount_capturable

    @invariant()
    def every_request_is_recorded_once(self) -> None:
        requests = [
            getattr(event, "request_id", None) or getattr(event, "refund_id", None)
            for event in self.history
            if isinstance(event, PaymentCaptureRequested | PaymentCancelRequested | RefundRequested)
        ]
        assert len(requests) == len(set(requests))

    @invariant()
    def what_is_under_way_shows_no_error_of_before(self) -> None:
        if not self.state.confirmation_requested and not self.state.capture_requested:
            return
        since: list[PaymentEvent] = []
        for event in reversed(self.history):
            if isinstance(event, PaymentConfirmationRequested | PaymentCaptureRequested):
                break
            since.append(event)
        if not any(isinstance(event, PaymentCancelFailed) for event in since):
            assert self.state.last_error is None

    @invariant()
    def the_last_decline_without_its_id_is_nothing_new(self) -> None:
        declines = [event for event in self.history if isinstance(event, PaymentAttemptFailed)]
        if declines and self.state.status is PaymentStatus.REQUIRES_PAYMENT_METHOD:
            last = declines[-1]
            nameless = RecordAttemptFailed(
                intent_id=None,
                attempt_id=None,
                code=last.code,
                decline_code=last.decline_code,
                message=last.message,
            )
            assert decide(self.state, nameless) == ()

    @invariant()
    def a_replay_gives_the_same_state(self) -> None:
        assert self._replayed() == self.state

    @invariant()
    def no_recorded_observation_is_new_again(self) -> None:
        for observed in self.recorded:
            if contradicts(self.state, observed):
                with pytest.raises(InconsistentObservation):
                    decide(self.state, observed)
            elif not may_be_new_again(self.state, observed):
                assert decide(self.state, observed) == ()

    def _ask(self, command: PaymentCommand) -> None:
        before = money_of(self.state)
        try:
            events = decide(self.state, command)
        except InconsistentObservation:
            raise  # is for observations alone
        except PaymentDisputed:
            assert any(dispute.is_contested for dispute in self.state.disputes.values())
            return
        except DomainError:
            return
        if any(isinstance(event, RefundRequested) for event in events):
            assert not any(dispute.is_contested for dispute in self.state.disputes.values())
        self._append(events)
        assert money_of(self.state)[:4] == before[:4], "a wish moves nothing, it only reserves"

    def _say(self, observed: PaymentObservation) -> None:
        decline = self._another_decline(observed)
        was_terminal, status, disputes = self.state.is_terminal, self.state.status, self.state.disputes
        is_of_a_stranger = isinstance(observed, RecordRefundFailed) and observed.refund_id not in self.state.refunds
        final = self._refunds_that_failed()
        try:
            events = decide(self.state, observed)
        except InconsistentObservation:
            return
        self._append(events)
        if decline is not None:
            assert any(isinstance(event, PaymentAttemptFailed) for event in events), "no failure is lost"
            assert self.state.last_error == decline
        if not is_of_a_stranger:  # who may become known
            self.observed_before.append(observed)
        if events:
            self.recorded.append(observed)
        assert decide(self.state, observed) == (), "told twice at once"
        assert not was_terminal or self.state.status is status
        assert not any(went_back(before, self.state.disputes[each]) for each, before in disputes.items())
        assert final <= self._refunds_that_failed()

    def _append(self, events: tuple[PaymentEvent, ...]) -> None:
        self.history += events
        self.state = self._existing(fold(events, self.state))

    def _replayed(self) -> PaymentState:
        return self._existing(fold(self.history))

    def _another_decline(self, observed: PaymentObservation) -> LastError | None:
        if not isinstance(observed, RecordAttemptFailed) or observed.attempt_id is None:
            return None
        may_fail = CONFIRMABLE | {PaymentStatus.PENDING, PaymentStatus.PROCESSING}
        if self.state.status not in may_fail or observed.attempt_id in self.state.attempts_failed:
            return None
        return LastError(code=observed.code, decline_code=observed.decline_code, message=observed.message)

    def _refunds_that_failed(self) -> set[object]:
        return {each.refund_id for each in self.state.refunds.values() if each.status is RefundStatus.FAILED}

    @staticmethod
    def _existing(state: PaymentState | None) -> PaymentState:
        assert state is not None
        return state


AnySequence.TestCase.settings = settings(max_examples=examples(300), stateful_step_count=50)
TestAnySequence: Callable[..., object] = AnySequence.TestCase
