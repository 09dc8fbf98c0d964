"""What each thing that happens posts, line by line."""

import uuid
from itertools import combinations, permutations

import pytest

from domain.ids import BalanceSourceId, DisputeId, EventId, RefundId, StripeChargeId, StripeIntentId, StripeRefundId
from domain.ledger import (
    OWN_CATEGORIES,
    Account,
    Awaits,
    EntryKind,
    Line,
    Posting,
    PostingState,
    RefundUnknown,
    UnbalancedPosting,
    post_payment,
)
from domain.ledger.balance import post_second_row, post_transaction
from domain.ledger.conversions import post_conversion
from domain.ledger.payouts import post_payout
from domain.money import Money, SignedMoney
from domain.payment.events import (
    DisputeFundsReinstated,
    DisputeFundsWithdrawn,
    PaymentCanceled,
    PaymentEvent,
    PaymentSucceeded,
    RefundFailed,
    RefundFound,
    RefundPending,
    RefundRequested,
    RefundSucceeded,
    TaskUndone,
    UndoneRefund,
)
from domain.stripe_balance import PayoutStatus, TransactionRecorded
from tests.support.balance_events import a_payout, a_row
from tests.unit.domain.ledger.memory_ledger import Book

REFUND = RefundId(uuid.UUID(int=1))
FIVE = Money(amount_cents=500, currency="USD")


def posted_by(*events: PaymentEvent) -> list[tuple[str, str, dict[str, int]]]:
    """What a payment's events post by themselves, each by source, category and what it changed which account by."""
    state = PostingState()
    postings: list[Posting] = []
    for event in events:
        state, posted = post_payment(state, event)
        postings += posted
    return [(each.source_id, each.category, changes(each)) for each in postings if each.awaits is not Awaits.POSSIBLE]


def changes(posting: Posting) -> dict[str, int]:
    return {line.account.value: line.amount.amount_cents for line in posting.lines}


requested = RefundRequested(refund_id=REFUND, amount=FIVE, reason=None)
pending = RefundPending(refund_id=REFUND, stripe_refund_id=StripeRefundId("re_1"))
succeeded = RefundSucceeded(refund_id=REFUND, stripe_refund_id=StripeRefundId("re_1"))
failed = RefundFailed(refund_id=REFUND, stripe_refund_id=StripeRefundId("re_1"), code="c", message="m")
refused = RefundFailed(refund_id=REFUND, stripe_refund_id=None, code="c", message="m")
found = RefundFound(refund_id=REFUND, stripe_refund_id=StripeRefundId("re_1"), amount=FIVE, reason=None)

REFUNDED = ("re_1", "refund", {"refunds": 500, "stripe_clearing": -500})
CAME_BACK = ("re_1", "refund_failure", {"stripe_clearing": 500, "refunds": -500})


def test_a_successful_payment_moves_what_was_captured_to_stripe() -> None:
    event = PaymentSucceeded(amount_captured=Money(amount_cents=1000, currency="JPY"), charge_id=StripeChargeId("ch_1"))
    assert posted_by(event) == [("ch_1", "charge", {"stripe_clearing": 1000, "customer_receivable": -1000})]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([requested], []),
        ([requested, pending], []),
        ([requested, succeeded], [REFUNDED]),
        ([requested, pending, succeeded], [REFUNDED]),
        ([requested, pending, succeeded, failed], [REFUNDED, CAME_BACK]),
        ([requested, pending, failed], []),
        ([found], []),
        ([found, succeeded], [REFUNDED]),
        ([requested, succeeded, failed], [REFUNDED, CAME_BACK]),
        ([requested, failed], []),
        ([requested, refused], []),
        ([PaymentCanceled(reason=None)], []),
    ],
    ids=lambda each: "+".join(type(event).__name__ for event in each) if isinstance(each, list) else None,
)
def test_a_refund_is_posted_once_at_stripe_and_reversed_if_it_fails_there(
    events: list[PaymentEvent], expected: list[tuple[str, str, dict[str, int]]]
) -> None:
    assert posted_by(*events) == expected


def test_what_a_bank_takes_once_more_waits_for_stripes_further_row() -> None:
    taken = DisputeFundsWithdrawn(dispute_id=DisputeId("du_1"), amount=FIVE)
    given_back = DisputeFundsReinstated(dispute_id=DisputeId("du_1"), amount=FIVE)
    other = DisputeFundsWithdrawn(dispute_id=DisputeId("du_2"), amount=FIVE)
    state, seen = PostingState(), []
    for event in (taken, given_back, taken, requested, other, given_back, succeeded, failed, taken):
        state, posted = post_payment(state, event)
        seen += [
            (each.source_id, each.category, each.awaits, each.times) for each in posted if "dispute" in each.category
        ]
    assert seen == [
        ("du_1", "dispute", None, 1),
        ("du_1", "dispute_reversal", None, 1),
        ("du_1", "dispute", Awaits.FURTHER_ROW, 2),
        ("du_2", "dispute", None, 1),
        ("du_1", "dispute_reversal", Awaits.FURTHER_ROW, 2),
        ("du_1", "dispute", Awaits.FURTHER_ROW, 3),
    ]


WENT = a_row("txn_1", reporting_category="refund", source_id="re_1", amount=-500, fee=0)
BACK = a_row("txn_2", reporting_category="refund_failure", source_id="re_1", amount=500, fee=0)


@pytest.mark.parametrize(
    ("events", "rows"),
    [
        ([requested, pending], []),
        ([requested, pending], [WENT]),
        ([requested, pending, succeeded], [WENT]),
        ([found], []),
        ([found, succeeded], [WENT]),
        ([requested, pending, failed], []),
        ([requested, pending, failed], [WENT]),
        ([requested, pending, failed], [WENT, BACK]),
        ([requested, pending, succeeded, failed], [WENT, BACK]),
        ([found, failed], [WENT, BACK]),
        ([requested, failed], []),
        ([requested, failed], [WENT]),
        ([requested, failed], [WENT, BACK]),
    ],
    ids=lambda each: "+".join(type(event).__name__ for event in each) or "nothing",
)
def test_a_refund_posts_once_what_moved_at_stripe_in_any_order(
    events: list[PaymentEvent], rows: list[TransactionRecorded]
) -> None:
    for places in combinations(range(len(events) + len(rows)), len(rows)):
        book, row_queue, event_queue = Book(), iter(rows), iter(events)
        for place in range(len(events) + len(rows)):
            book.add(next(row_queue) if place in places else (REFUND, next(event_queue)))
        assert book.balance(Account.STRIPE_CLEARING).get("USD", 0) == sum(row.amount for row in rows)
        assert len(book.postings) == len(rows), "each once"


def test_what_appeared_after_it_failed_and_was_refunded_is_posted() -> None:
    undone = TaskUndone(
        event_id=EventId(uuid.UUID(int=2)),
        intent_id=StripeIntentId("pi_1"),
        how="refunded",
        amount=FIVE,
        charge_id=StripeChargeId("ch_1"),
        refunds=(UndoneRefund(stripe_refund_id=StripeRefundId("re_1"), amount=FIVE),),
    )
    rows = [
        a_row(amount=500, fee=45, currency="USD"),
        a_row("txn_2", type="refund", reporting_category="refund", amount=-500, fee=0, source_id="re_1"),
    ]
    for order in permutations([(REFUND, undone), *rows]):
        book = Book()
        for each in order:
            book.add(each)  # type: ignore[arg-type]
        assert book.balance(Account.STRIPE_CLEARING) == {"USD": -45}
        assert book.totals() == {}


@pytest.mark.parametrize("how", ["canceled", "refunded"])
def test_what_took_no_money_or_names_no_charge_posts_nothing(how: str) -> None:
    undone = TaskUndone(event_id=EventId(uuid.UUID(int=2)), intent_id=StripeIntentId("pi_1"), how=how, amount=FIVE)
    assert posted_by(undone) == []


def test_a_row_of_no_payment_of_ours_posts_neither_amount_nor_fee() -> None:
    book = Book()
    book.add(a_row(fee=59))
    assert book.postings == []
    book.add(
        (
            REFUND,
            PaymentSucceeded(
                amount_captured=Money(amount_cents=1000, currency="USD"), charge_id=StripeChargeId("ch_1")
            ),
        )
    )
    assert book.balance(Account.STRIPE_CLEARING) == {"USD": 941}


def test_a_disputes_second_row_is_posted_against_disputes() -> None:
    second = a_row("txn_2", reporting_category="dispute", source_id="du_1", amount=-30, fee=0)
    (posting,) = post_second_row(second)
    assert (posting.kind, changes(posting)) == (EntryKind.MOVEMENT, {"stripe_clearing": -30, "disputes": 30})


def test_an_event_of_a_refund_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(RefundUnknown):
        posted_by(pending)
    with pytest.raises(RefundUnknown):
        posted_by(requested, refused, pending)


def test_a_dispute_takes_the_money_and_gives_it_back() -> None:
    taken = DisputeFundsWithdrawn(dispute_id=DisputeId("du_1"), amount=FIVE)
    given_back = DisputeFundsReinstated(dispute_id=DisputeId("du_1"), amount=FIVE)
    assert posted_by(taken, given_back) == [
        ("du_1", "dispute", {"stripe_clearing": -500, "disputes": 500}),
        ("du_1", "dispute_reversal", {"stripe_clearing": 500, "disputes": -500}),
    ]


def test_of_a_dispute_lost_in_part_as_much_comes_back_as_the_event_says() -> None:
    taken = DisputeFundsWithdrawn(dispute_id=DisputeId("du_1"), amount=FIVE)
    given_back = DisputeFundsReinstated(dispute_id=DisputeId("du_1"), amount=Money(amount_cents=200, currency="USD"))
    assert [lines["disputes"] for _, _, lines in posted_by(taken, given_back)] == [500, -200]


def test_a_dispute_that_takes_the_money_once_more_is_posted_once_more() -> None:
    taken = DisputeFundsWithdrawn(dispute_id=DisputeId("du_1"), amount=FIVE)
    given_back = DisputeFundsReinstated(dispute_id=DisputeId("du_1"), amount=FIVE)
    posted = [lines for _, _, lines in posted_by(taken, given_back, taken)]
    assert [each["stripe_clearing"] for each in posted] == [-500, 500, -500]


@pytest.mark.parametrize("category", sorted(OWN_CATEGORIES))
def test_of_a_row_that_the_payments_events_post_only_the_fee_is_posted(category: str) -> None:
    (fee,) = post_transaction(a_row(reporting_category=category, amount=1000, fee=59))
    assert (fee.kind, changes(fee)) == (EntryKind.FEE, {"stripe_fees": 59, "stripe_clearing": -59})
    (given_back,) = post_transaction(a_row(reporting_category=category, amount=1000, fee=-1500))
    assert changes(given_back) == {"stripe_fees": -1500, "stripe_clearing": 1500}
    assert post_transaction(a_row(reporting_category=category, fee=0)) == ()


@pytest.mark.parametrize("category", ["charge_failure", "partial_capture_reversal"])
def test_what_is_taken_back_of_a_charge_of_no_payment_is_not_in_the_ledger(category: str) -> None:
    book = Book()
    book.add(a_row("txn_1", reporting_category="charge", source_id="py_1", amount=1000, fee=0))
    book.add(a_row("txn_2", reporting_category=category, source_id="py_1", amount=-1000, fee=0))
    assert book.postings == []


@pytest.mark.parametrize(
    ("category", "counter"),
    [
        ("payout", "payouts_in_transit"),
        ("payout_reversal", "payouts_in_transit"),
        ("fee", "stripe_fees"),
        ("network_cost", "stripe_fees"),
        ("topup", "adjustments"),
        ("other_adjustment", "adjustments"),
        ("a_category_of_tomorrow", "adjustments"),
    ],
)
def test_other_rows_are_posted_as_a_whole(category: str, counter: str) -> None:
    movement, fee = post_transaction(a_row(reporting_category=category, amount=-700, fee=25))
    assert (movement.kind, changes(movement)) == (EntryKind.MOVEMENT, {"stripe_clearing": -700, counter: 700})
    assert (fee.kind, changes(fee)) == (EntryKind.FEE, {"stripe_fees": 25, "stripe_clearing": -25})


def test_a_row_that_nothing_with_an_id_caused_is_its_own_source() -> None:
    assert post_transaction(a_row("txn_7", reporting_category="fee", source_id=None))[0].source_id == "txn_7"


@pytest.mark.parametrize("row_first", [True, False])
def test_a_charge_in_euros_settled_in_dollars_leaves_dollars_at_stripe(row_first: bool) -> None:
    event = PaymentSucceeded(amount_captured=Money(amount_cents=1000, currency="EUR"), charge_id=StripeChargeId("ch_1"))
    row = a_row(amount=1080, fee=61, currency="USD", exchange_rate="1.08")
    book = Book()
    events = [row, (REFUND, event)] if row_first else [(REFUND, event), row]
    for each in events:
        book.add(each)  # type: ignore[arg-type]
    assert book.balance(Account.STRIPE_CLEARING) == {"USD": 1080 - 61}
    assert book.balance(Account.CURRENCY_CONVERSION) == {"EUR": 1000, "USD": -1080}
    assert book.balance(Account.CUSTOMER_RECEIVABLE) == {"EUR": -1000}
    assert book.balance(Account.STRIPE_FEES) == {"USD": 61}
    assert book.totals() == {}


def test_a_paid_payout_is_at_the_bank_and_leaves_it_when_it_fails_later() -> None:
    at_bank, posted = post_payout(a_payout(PayoutStatus.IN_TRANSIT), at_bank=False)
    assert (at_bank, posted) == (False, ())
    at_bank, (arrived,) = post_payout(a_payout(PayoutStatus.PAID), at_bank=at_bank)
    assert (arrived.kind, changes(arrived)) == (EntryKind.ARRIVAL, {"bank": 941, "payouts_in_transit": -941})
    assert post_payout(a_payout(PayoutStatus.PAID), at_bank=at_bank) == (True, ())
    at_bank, (left,) = post_payout(a_payout(PayoutStatus.FAILED), at_bank=at_bank)
    assert (at_bank, changes(left)) == (False, {"bank": -941, "payouts_in_transit": 941})


@pytest.mark.parametrize("status", [PayoutStatus.FAILED, PayoutStatus.CANCELED])
def test_a_payout_that_was_never_seen_as_paid_has_nothing_to_take_back(status: PayoutStatus) -> None:
    assert post_payout(a_payout(status), at_bank=False) == (False, ())


def test_sides_that_differ_make_no_posting() -> None:
    lines = (
        Line(account=Account.BANK, amount=SignedMoney(amount_cents=5, currency="USD")),
        Line(account=Account.REFUNDS, amount=SignedMoney(amount_cents=-4, currency="USD")),
        Line(account=Account.REFUNDS, amount=SignedMoney(amount_cents=-1, currency="EUR")),
    )
    with pytest.raises(UnbalancedPosting) as raised:
        Posting(source_id=BalanceSourceId("x_1"), category="charge", kind=EntryKind.MOVEMENT, lines=lines)
    assert raised.value.differences == {"USD": 1, "EUR": -1}
    assert raised.value.source_id == "x_1"
    assert str(raised.value) == "The sides of the posting for x_1 differ: {'USD': 1, 'EUR': -1}."


@pytest.mark.parametrize(("category", "cents"), [("charge", 1000), ("refund", -400), ("dispute", -1000)])
def test_a_conversion_is_of_the_row_that_it_converts(category: str, cents: int) -> None:
    euros, dollars = (
        SignedMoney(amount_cents=cents, currency="EUR"),
        SignedMoney(amount_cents=cents + 80, currency="USD"),
    )
    posting = post_conversion(source_id=BalanceSourceId("ch_1"), category=category, presented=euros, on_balance=dollars)
    assert (posting.source_id, posting.category, posting.kind) == ("ch_1", category, EntryKind.CONVERSION)
    for effect in (euros, dollars):
        of_clearing = posting.effect_on(Account.STRIPE_CLEARING, effect.currency)
        assert of_clearing == (effect if effect is dollars else -effect)
        assert posting.effect_on(Account.CURRENCY_CONVERSION, effect.currency) == -of_clearing
