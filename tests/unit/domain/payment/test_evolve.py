"""Replaying events."""

import pickle
from dataclasses import fields, replace
from typing import get_args

import pytest

from domain.ids import ErasureId, EventId, SplitPaymentId, StripeIntentId, StripeRefundId
from domain.payment.commands import (
    AcceptStripe,
    CancelPayment,
    ConfirmPayment,
    GiveUpTask,
    RequestPayment,
    RetryTask,
)
from domain.payment.decide import decide
from domain.payment.errors import BrokenHistory
from domain.payment.events import PaymentCaptureFailed, PaymentEvent
from domain.payment.evolve import evolve, fold
from domain.payment.observations import (
    RecordCanceled,
    RecordCancelFailed,
    RecordCaptureFailed,
    RecordOutcomeUnknown,
    RecordPaymentFailed,
    RecordRefundFailed,
    RecordRefundFound,
    RecordRefundPending,
    RecordRefundSucceeded,
    RecordUndone,
)
from domain.payment.observe import observe
from domain.payment.state import PaymentState
from domain.payment.values import CaptureMethod, DisputeStatus
from domain.personal_data import PersonalDataErased
from tests.unit.domain.payment_builders import (
    a_manual_request,
    a_request,
    action_required,
    attempt_failed,
    authorized,
    capture,
    disputed,
    history_of,
    processing,
    refund,
    refund_id,
    request_id,
    succeeded,
    usd,
)

LONG = history_of(
    a_manual_request(),
    action_required(),
    processing(),
    attempt_failed(),
    ConfirmPayment(payment_method="pm_2"),
    authorized(),
    CancelPayment(request_id=request_id(1)),
    RecordCancelFailed(request_id=request_id(1), code="x", message="x"),
    capture(number=2),
    RecordCaptureFailed(request_id=request_id(2), code="x", message="x"),
    succeeded(),
    refund(1_00),
    RecordRefundPending(refund_id=refund_id(), stripe_refund_id=StripeRefundId("re_1")),
    RecordRefundSucceeded(refund_id=refund_id(), stripe_refund_id=StripeRefundId("re_1")),
    RecordRefundFailed(refund_id=refund_id(), stripe_refund_id=StripeRefundId("re_1"), code="x", message="x"),
    RecordRefundFound(refund_id=refund_id(2), stripe_refund_id=StripeRefundId("re_2"), amount=usd(2_00)),
    disputed(),
    disputed(DisputeStatus.UNDER_REVIEW, withdrawn=1),
    disputed(DisputeStatus.WON, reinstated=1),
    RecordOutcomeUnknown(event_id=EventId(request_id(3)), operation="capture_intent", reason="500"),
    RetryTask(event_id=EventId(request_id(3)), operation="capture_intent", actor="ada", reason="Stripe is back"),
    GiveUpTask(event_id=EventId(request_id(3)), operation="capture_intent", actor="ada", reason="no use"),
    RecordUndone(event_id=EventId(request_id(4)), intent_id=StripeIntentId("pi_2"), how="refunded", amount=usd(10_00)),
)
REFUSED = history_of(a_request(), RecordPaymentFailed(code="x", message="x"))
OBSERVED = observe(fold(REFUSED), (succeeded(),))
CONTRADICTED = [*REFUSED, *OBSERVED.events, *decide(OBSERVED.state, AcceptStripe(actor="ada", reason="seen"))]
ERASED = PersonalDataErased(erasure_id=ErasureId(refund_id(9)), fields=("/description", "/metadata/email"))
SHORT = [
    [*history_of(a_request(description="Flowers", metadata={"email": "ada@mail.example", "order": "A-1"})), ERASED],
    history_of(a_request(), RecordCanceled(intent_id=None)),
    history_of(a_request(), RecordPaymentFailed(code="x", message="x")),
    CONTRADICTED,
]


def test_every_kind_of_event_can_be_brought_about_and_replayed() -> None:
    kinds = {type(event) for history in (LONG, *SHORT) for event in history}
    assert kinds == set(get_args(PaymentEvent))


def test_what_was_erased_reads_so_and_the_rest_stays() -> None:
    before, after = fold(SHORT[0][:-1]), fold(SHORT[0])
    assert before is not None
    assert after == replace(before, description="[erased]", metadata={"email": "[erased]", "order": "A-1"})


def test_no_events_are_no_payment() -> None:
    assert fold([]) is None


@pytest.mark.parametrize("split", range(len(LONG) + 1))
def test_a_history_can_be_replayed_in_two_parts(split: int) -> None:
    assert fold(LONG[split:], fold(LONG[:split])) == fold(LONG)


def test_a_state_is_never_changed_in_place() -> None:
    state = None
    kept = []
    for event in LONG:
        state = evolve(state, event)
        kept.append((state, pickle.dumps(state)))
    assert all(pickle.dumps(state) == before for state, before in kept)


def test_events_before_the_request_are_a_broken_history() -> None:
    with pytest.raises(BrokenHistory):
        evolve(None, PaymentCaptureFailed(request_id=request_id(), code="x", message="x"))


def test_a_second_request_is_a_broken_history() -> None:
    with pytest.raises(BrokenHistory):
        fold([LONG[0], LONG[0]])


@pytest.mark.parametrize(
    ("left_out", "history", "said"),
    [
        ("RefundRequested", LONG, f"RefundPending comes before RefundRequested of {refund_id()}."),
        ("DisputeOpened", LONG, "DisputeFundsWithdrawn comes before DisputeOpened of du_1."),
        (
            "PaymentContradicted",
            CONTRADICTED,
            "PaymentContradictionResolved comes before PaymentContradicted of pi_1.",
        ),
    ],
)
def test_the_course_of_what_never_began_is_a_broken_history(
    left_out: str, history: list[PaymentEvent], said: str
) -> None:
    with pytest.raises(BrokenHistory) as broken:
        fold([event for event in history if type(event).__name__ != left_out])
    assert str(broken.value) == said


@pytest.mark.parametrize("capture_method", CaptureMethod)
@pytest.mark.parametrize("confirm", [True, False])
def test_a_new_payment_is_all_that_was_asked_for(capture_method: CaptureMethod, *, confirm: bool) -> None:
    request = a_request(
        capture_method=capture_method,
        confirm=confirm,
        description="Two books",
        metadata={"order": "A-1"},
        customer="cus_1",
        statement_descriptor_suffix="BOOKS",
        split_payment_id=SplitPaymentId(request_id(9)),
    )
    state = fold(history_of(request))
    kept = {each.name for each in fields(RequestPayment)} & {each.name for each in fields(PaymentState)}
    assert {"amount", "capture_method", "customer", "merchant_id", "payment_method", "user_id"} <= kept
    assert {name: getattr(state, name) for name in kept} == {name: getattr(request, name) for name in kept}
    assert state is not None
    assert state.confirmation_requested is confirm
