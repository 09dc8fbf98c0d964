"""One refund at Stripe, whatever it goes through there, and in whatever order that is learned here.

Stripe's own word comes in two kinds: a reading is of now, and what a call was answered may be old. After a reading, the
payment and the ledger have what Stripe has, or the payment says that they contradict.
"""

from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.stripe.translate.ids import REFUND_ID
from consumers.stripe.translate.payments import payment_observations, refund_observations
from domain.ledger import Account
from domain.payment.commands import RequestRefund
from domain.payment.decide import decide
from domain.payment.errors import InconsistentObservation
from domain.payment.events import PaymentEvent
from domain.payment.evolve import fold
from domain.payment.observations import PaymentObservation, RecordRefundFailed
from domain.payment.observe import observe
from domain.payment.values import RefundStatus
from domain.stripe_balance import TransactionRecorded
from tests.support.balance_events import a_row
from tests.support.hypothesis_profiles import examples
from tests.unit.domain.ledger.memory_ledger import Book
from tests.unit.domain.payment_builders import a_request, history_of, names, refund_id, succeeded, usd

INTENT = {
    "id": "pi_1",
    "status": "succeeded",
    "amount_received": 10_00,
    "currency": "usd",
    "latest_charge": "ch_1",
}
OURS, AT_STRIPE_ITSELF = {REFUND_ID: str(refund_id())}, dict[str, str]()
STATUS = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.FAILED,
}
LIVES = (
    ("succeeded",),
    ("pending", "succeeded"),
    ("succeeded", "failed"),
    ("pending", "succeeded", "failed"),
    ("pending", "failed"),
    ("requires_action", "canceled"),
    ("succeeded", "failed", "succeeded"),
    ("pending", "succeeded", "failed", "pending", "succeeded", "failed"),
)


def shown(statuses: Sequence[str], metadata: dict[str, str]) -> dict[str, object]:
    """The refund as Stripe shows it after these statuses."""
    moved = "succeeded" in statuses
    return {
        "id": "re_1",
        "status": statuses[-1],
        "amount": 4_00,
        "currency": "usd",
        "metadata": metadata,
        "balance_transaction": "txn_went" if moved else None,
    }


def rows(statuses: Sequence[str]) -> list[TransactionRecorded]:
    """What Stripe has booked of it: of one whose life Stripe documents, and of the money that was captured."""
    booked = [a_row("txn_charge", reporting_category="charge", source_id="ch_1", amount=10_00, fee=0)]
    if "succeeded" in statuses:
        booked.append(a_row("txn_went", reporting_category="refund", source_id="re_1", amount=-4_00, fee=0))
        if statuses[-1] in {"failed", "canceled"}:
            booked.append(a_row("txn_back", reporting_category="refund_failure", source_id="re_1", amount=4_00, fee=0))
    return booked


def observed(history: Sequence[PaymentEvent], said: Sequence[PaymentObservation]) -> tuple[PaymentEvent, ...]:
    try:
        return observe(fold(history), said).events
    except InconsistentObservation:  # of no object at Stripe
        return ()


def a_history(data: st.DataObject, life: Sequence[str], metadata: dict[str, str]) -> list[PaymentEvent]:
    """What is recorded when Stripe is read and answers, in any order, and read at the end."""
    is_ours = metadata is OURS
    history = list(history_of(a_request(), succeeded()))
    if is_ours:
        history += decide(fold(history), RequestRefund(refund_id=refund_id(), amount=usd(4_00)))
    now = 1
    steps = data.draw(st.lists(st.sampled_from(["moves", "read", "answer", "refused"]), max_size=12))
    for step in [*steps, *["moves"] * len(life), "read"]:
        if step == "moves":
            now = min(now + 1, len(life))
        elif step == "read":
            history += observed(history, payment_observations(INTENT, [shown(life[:now], metadata)], []))
        elif is_ours and step == "answer":
            before = data.draw(st.integers(1, now))
            history += observed(history, refund_observations(shown(life[:before], metadata), refund_id=refund_id()))
        elif is_ours:
            refused = RecordRefundFailed(refund_id=refund_id(), stripe_refund_id=None, code="x", message="x")
            history += observed(history, [refused])
    return history


@settings(max_examples=examples(400))
@given(data=st.data(), life=st.sampled_from(LIVES), metadata=st.sampled_from([OURS, AT_STRIPE_ITSELF]))
def test_after_a_reading_both_say_the_same_or_that_they_do_not(
    data: st.DataObject, life: Sequence[str], metadata: dict[str, str]
) -> None:
    history = a_history(data, life, metadata)
    assert observed(history, payment_observations(INTENT, [shown(life, metadata)], [])) == (), "it says nothing new"
    state = fold(history)
    assert state is not None
    book, booked = Book(), rows(life)
    for row in data.draw(st.permutations([None, *booked])):
        for each in [(state.payment_id, event) for event in history] if row is None else [row]:
            book.add(each)
    assert book.totals() == {}
    if state.open_contradictions:
        return
    theirs = STATUS[life[-1]]
    mine = next((each.status for each in state.refunds.values()), None)
    assert mine is theirs or (mine is None and theirs is RefundStatus.FAILED), "one that came to nothing is no matter"
    assert state.amount_refundable == usd(10_00 if theirs is RefundStatus.FAILED else 6_00)
    assert book.balance(Account.STRIPE_CLEARING) == {"USD": sum(row.amount for row in booked)}


def test_only_what_stripe_takes_back_contradicts() -> None:
    history = list(history_of(a_request(), succeeded(), RequestRefund(refund_id=refund_id(), amount=usd(4_00))))
    for status in ("succeeded", "failed", "succeeded", "failed"):
        history += observed(history, payment_observations(INTENT, [shown(["succeeded", status], OURS)], []))
    assert names(history[4:]) == [
        "RefundSucceeded",
        "RefundFailed",
        "PaymentContradicted",
        "PaymentContradictionResolved",
    ]
