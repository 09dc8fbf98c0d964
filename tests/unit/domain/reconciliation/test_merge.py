"""What is planted into two equal sides is found, each once, in whatever order and chunks their rows come."""

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import BalanceSourceId, BalanceTransactionId
from domain.reconciliation.errors import RowsNotSorted
from domain.reconciliation.merge import MergeJoin, Side, with_foreign
from domain.reconciliation.rows import ForeignRow, Movement, StripeRow
from domain.reconciliation.values import CurrencyTotals, DifferenceKind
from tests.unit.domain.reconciliation.spoiled_sides import SPOILERS, WINDOW, Sides, compare, found, spoil

PREFIX_OF = {"charge": "ch", "refund": "re", "dispute": "du", "payout": "po"}


@st.composite
def equal_sides(draw: st.DrawFn) -> Sides:
    sides = Sides()
    for number in range(draw(st.integers(0, 12))):
        category = draw(st.sampled_from(sorted(PREFIX_OF)))
        sides.add(
            f"{PREFIX_OF[category]}_{draw(st.sampled_from('aBzé'))}{number}",
            category,
            amount=draw(st.integers(-(10**11), 10**11)),
            fee=draw(st.integers(0, 10**6)),
            currency=draw(st.sampled_from(["USD", "JPY", "KWD"])),
            at=draw(st.integers(WINDOW.start, WINDOW.end - 1)),
        )
    return sides


@st.composite
def spoiled_sides(draw: st.DrawFn) -> Sides:
    sides = draw(equal_sides())
    plan = draw(st.dictionaries(st.integers(0, max(0, len(sides.stripe) - 1)), st.sampled_from(SPOILERS)))
    return spoil(sides, plan if sides.stripe else {})


@given(sides=equal_sides(), chunk=st.integers(1, 5))
def test_equal_sides_have_no_difference_and_equal_totals(sides: Sides, chunk: int) -> None:
    candidates, join = compare(sides.stripe, sides.ledger, chunk=chunk)
    assert candidates == []
    assert join.rows == 2 * len(sides.stripe)
    for totals in join.totals:
        assert (totals.stripe_amount, totals.stripe_fee) == (totals.ledger_amount, totals.ledger_fee)
        assert totals.stripe_amount == sum(row.amount for row in sides.stripe if row.currency == totals.currency)


@given(sides=spoiled_sides(), chunk=st.integers(1, 5))
def test_exactly_what_was_planted_is_found_each_once(sides: Sides, chunk: int) -> None:
    candidates, _ = compare(sides.stripe, sides.ledger, chunk=chunk)
    assert sorted(found(candidates)) == sorted(sides.expected)


@given(sides=spoiled_sides(), seed=st.integers())
def test_the_order_of_the_rows_of_a_source_means_nothing(sides: Sides, seed: int) -> None:
    stripe, ledger = list(sides.stripe), list(sides.ledger)
    random.Random(seed).shuffle(stripe)
    random.Random(seed + 1).shuffle(ledger)
    shuffled, join = compare(stripe, ledger)
    straight, other = compare(sides.stripe, sides.ledger)
    assert [candidate.findings for candidate in shuffled] == [candidate.findings for candidate in straight]
    assert join.totals == other.totals


@pytest.mark.parametrize("spoiler", SPOILERS, ids=lambda each: each.__name__)
def test_each_difference_alone(spoiler: Callable[[Sides, int], None]) -> None:
    sides = Sides()
    for number in range(3):
        sides.add(f"ch_{number}", "charge", amount=1000, fee=59, currency="KWD", at=WINDOW.start + number)
    spoiled = spoil(sides, {1: spoiler})
    candidates, _ = compare(spoiled.stripe, spoiled.ledger)
    assert set(found(candidates)) == spoiled.expected
    assert len(spoiled.expected) == 1


def test_a_book_that_is_not_sorted_is_refused() -> None:
    join = MergeJoin(WINDOW)
    join.push(
        Side.STRIPE,
        [StripeRow(BalanceSourceId("ch_b"), "charge", BalanceTransactionId("txn_1"), 1, 0, "USD", WINDOW.start)],
    )
    with pytest.raises(RowsNotSorted, match="stripe are not sorted: 'ch_a' comes after 'ch_b'"):
        join.push(
            Side.STRIPE,
            [StripeRow(BalanceSourceId("ch_a"), "charge", BalanceTransactionId("txn_2"), 1, 0, "USD", WINDOW.start)],
        )


def test_a_source_whose_rows_come_in_two_chunks_is_classified_whole() -> None:
    row = StripeRow(BalanceSourceId("re_1"), "refund", BalanceTransactionId("txn_1"), -100, 0, "USD", WINDOW.start)
    back = row._replace(category="refund_failure", amount=100, transaction_id=BalanceTransactionId("txn_2"))
    movement = Movement(BalanceSourceId("re_1"), "refund", "USD", -100, 0, WINDOW.start)
    candidates, _ = compare([row, back], [movement, movement._replace(category="refund_failure", amount=100)], chunk=1)
    assert candidates == []


def test_rows_of_the_days_beside_are_compared_and_not_counted() -> None:
    yesterday = StripeRow(
        BalanceSourceId("ch_1"), "charge", BalanceTransactionId("txn_1"), 100, 3, "USD", WINDOW.start - 60
    )
    candidates, join = compare([yesterday], [])
    assert (candidates, join.totals) == ([], ())
    late = Movement(BalanceSourceId("ch_1"), "charge", "USD", 100, 3, WINDOW.start + 1)
    candidates, join = compare([yesterday], [late])
    assert candidates == [], "it is of the day of Stripe's row"
    assert [(each.ledger_rows, each.stripe_rows) for each in join.totals] == [(1, 0)]


def test_equal_rows_are_classified_where_the_ledger_knows_more() -> None:
    rows = [
        StripeRow(BalanceSourceId(f"ch_{n}"), "charge", BalanceTransactionId(f"txn_{n}"), 100, 3, "USD", WINDOW.start)
        for n in range(4)
    ]
    ours = [Movement(row.source_id, "charge", "USD", 100, 3, WINDOW.start) for row in rows]
    ours[1] = ours[1]._replace(transaction_id=BalanceTransactionId("txn_9"))
    ours[2] = ours[2]._replace(presented_amount=90, presented_currency="EUR")
    rows[2] = rows[2]._replace(exchange_rate="1.0")
    candidates, _ = compare(rows, ours, chunk=10)
    assert found(candidates) == [
        (DifferenceKind.DUPLICATE, "ch_1", "charge"),
        (DifferenceKind.AMOUNT, "ch_2", "charge"),
    ]


def test_a_row_that_one_book_lacks_is_to_be_looked_for_on_other_days() -> None:
    (candidate,), _ = compare(
        [StripeRow(BalanceSourceId("ch_1"), "charge", BalanceTransactionId("txn_1"), 100, 3, "USD", WINDOW.start)], []
    )
    assert candidate.lacks_a_row
    assert found([candidate]) == [(DifferenceKind.MISSING_HERE, "ch_1", "charge")]


@pytest.mark.parametrize(
    ("at", "counted"), [(WINDOW.start, 1), (WINDOW.end - 1, 1), (WINDOW.start - 1, 0), (WINDOW.end, 0)]
)
@pytest.mark.parametrize("followed", [False, True], ids=["last", "with more behind it"])
def test_a_day_begins_with_its_first_second_and_ends_before_the_next(at: int, counted: int, *, followed: bool) -> None:
    sides = Sides()
    sides.add("ch_1", "charge", amount=1000, fee=59, currency="USD", at=at)
    if followed:
        sides.add("ch_2", "charge", amount=7, fee=1, currency="JPY", at=WINDOW.start + 3600)
    candidates, join = compare(sides.stripe, sides.ledger, chunk=5)
    assert candidates == []
    assert join.rows == 2 * len(sides.stripe)
    totals = {each.currency: each for each in join.totals}
    if counted:
        dollars = totals["USD"]
        assert (dollars.stripe_rows, dollars.stripe_amount, dollars.stripe_fee) == (1, 1000, 59)
        assert (dollars.ledger_rows, dollars.ledger_amount, dollars.ledger_fee) == (1, 1000, 59)
    else:
        assert "USD" not in totals


@given(sides=spoiled_sides(), chunk=st.integers(1, 5))
def test_the_totals_are_those_of_the_rows_of_the_day(sides: Sides, chunk: int) -> None:
    _, join = compare(sides.stripe, sides.ledger, chunk=chunk)
    rows = [row for row in sides.stripe if WINDOW.holds(row.created)]
    movements = [movement for movement in sides.ledger if WINDOW.holds(movement.at)]
    assert [each.currency for each in join.totals] == sorted(
        {*(row.currency for row in rows), *(movement.currency for movement in movements)}
    )
    for total in join.totals:
        theirs = [row for row in rows if row.currency == total.currency]
        ours = [movement for movement in movements if movement.currency == total.currency]
        assert total == CurrencyTotals(
            currency=total.currency,
            stripe_rows=len(theirs),
            stripe_amount=sum(row.amount for row in theirs),
            stripe_fee=sum(row.fee for row in theirs),
            ledger_rows=len(ours),
            ledger_amount=sum(movement.amount for movement in ours),
            ledger_fee=sum(movement.fee or 0 for movement in ours),
        )


@pytest.mark.parametrize("chunk", [1, 7])
def test_a_side_is_asked_for_more_only_when_it_has_no_whole_source(chunk: int) -> None:
    """Millions of rows are read so: neither side may run ahead of the other."""
    sides = Sides()
    for number in range(40):
        sides.add(f"ch_{number:02}", "charge", amount=1000, fee=59, currency="USD", at=WINDOW.start)
    theirs, ours = iter(sides.stripe), iter(sides.ledger)
    join, pushed = MergeJoin(WINDOW), 0
    while (side := join.next_side) is not None:
        rows = list(islice(theirs, chunk)) if side is Side.STRIPE else list(islice(ours, chunk))
        join.push(side, rows)
        pushed += len(rows)
        assert list(join.candidates()) == []
        assert pushed - join.rows <= 2 * (chunk + 1)
    assert join.rows == pushed == 80


foreign_rows = st.lists(
    st.builds(
        ForeignRow,
        currency=st.sampled_from(["EUR", "JPY", "USD"]),
        amount=st.integers(-(10**9), 10**9),
        fee=st.integers(-(10**6), 10**6),
    ),
    max_size=8,
)


@given(foreign=foreign_rows)
def test_rows_of_other_systems_add_up_beside_the_days_totals(foreign: list[ForeignRow]) -> None:
    dollars = CurrencyTotals(currency="USD", stripe_rows=3, stripe_amount=300, stripe_fee=9, ledger_rows=2)
    totals = with_foreign([dollars], foreign)
    assert [each.currency for each in totals] == sorted({"USD", *(row.currency for row in foreign)})
    for total in totals:
        rows = [row for row in foreign if row.currency == total.currency]
        before = dollars if total.currency == "USD" else CurrencyTotals(currency=total.currency)
        assert total == replace(
            before,
            foreign_rows=len(rows),
            foreign_amount=sum(row.amount for row in rows),
            foreign_fee=sum(row.fee for row in rows),
        )
        net = sum(row.amount - row.fee for row in rows)
        assert total.difference.amount_cents == before.difference.amount_cents - net


def test_two_rows_of_another_system_in_one_currency_are_two() -> None:
    euros = [ForeignRow("EUR", 100, 3), ForeignRow("EUR", 200, 4)]
    assert with_foreign([], euros) == (
        CurrencyTotals(currency="EUR", foreign_rows=2, foreign_amount=300, foreign_fee=7),
    )
