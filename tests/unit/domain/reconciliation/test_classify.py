"""The finer points of what is a difference and what is not."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from domain.ids import BalanceSourceId, BalanceTransactionId, PayoutId
from domain.money import SignedMoney
from domain.reconciliation.classify import classify, classify_payout
from domain.reconciliation.rows import Movement, PayoutSum, StripeRow
from domain.reconciliation.values import Difference, DifferenceKind, Entry, discrepancy_id_of
from domain.reconciliation.window import Window, day_window
from tests.unit.domain.reconciliation.spoiled_sides import CUTOFF, DAY, WINDOW, summary

AT = WINDOW.start + 3600
ROW = StripeRow(BalanceSourceId("ch_1"), "charge", BalanceTransactionId("txn_1"), 1000, 59, "USD", AT)
MOVEMENT = Movement(BalanceSourceId("ch_1"), "charge", "USD", 1000, 59, AT)
JUST_NOW = replace(WINDOW, now=AT + CUTOFF - 1)


def kinds(stripe: list[StripeRow], ledger: list[Movement], window: Window = WINDOW) -> list[DifferenceKind]:
    return [finding.difference.kind for finding in classify(stripe, ledger, window)]


@pytest.mark.parametrize(("stripe", "ledger"), [([ROW], []), ([], [MOVEMENT]), ([ROW], [MOVEMENT._replace(fee=None)])])
def test_what_may_still_come_is_a_matter_of_time(stripe: list[StripeRow], ledger: list[Movement]) -> None:
    (finding,) = classify(stripe, ledger, JUST_NOW)
    assert (finding.difference.kind, finding.resolves_at_once) == (DifferenceKind.TIMING, False)
    assert DifferenceKind.TIMING not in kinds(stripe, ledger, replace(JUST_NOW, now=AT + CUTOFF))


def test_what_matches_on_another_day_is_found_and_resolves_at_once() -> None:
    (finding,) = classify([ROW], [MOVEMENT._replace(at=WINDOW.end)], WINDOW)
    assert (finding.difference.kind, finding.resolves_at_once) == (DifferenceKind.TIMING, True)


def test_a_row_without_a_fee_needs_none_recorded() -> None:
    assert kinds([ROW._replace(fee=0)], [MOVEMENT._replace(fee=None)]) == []


def test_of_two_differences_both_are_told() -> None:
    assert kinds([ROW._replace(amount=999, fee=60)], [MOVEMENT]) == [DifferenceKind.AMOUNT, DifferenceKind.FEE]


def test_what_may_be_there_often_is_summed() -> None:
    rows = [
        ROW._replace(category="fee", transaction_id=BalanceTransactionId(f"txn_{number}"), fee=0, amount=-5)
        for number in range(3)
    ]
    assert kinds(rows, [MOVEMENT._replace(category="fee", fee=0, amount=-15)]) == []
    assert kinds(rows, [MOVEMENT._replace(category="fee", fee=0, amount=-10)]) == [DifferenceKind.AMOUNT]


def test_a_row_that_was_read_twice_is_one() -> None:
    assert kinds([ROW, ROW], [MOVEMENT]) == []


def test_a_double_of_another_amount_is_a_double_only() -> None:
    assert kinds([ROW, ROW._replace(transaction_id=BalanceTransactionId("txn_2"), amount=7)], [MOVEMENT]) == [
        DifferenceKind.DUPLICATE
    ]
    assert kinds(
        [ROW._replace(amount=6), ROW._replace(transaction_id=BalanceTransactionId("txn_2"), amount=7)], [MOVEMENT]
    ) == [
        DifferenceKind.DUPLICATE,
        DifferenceKind.AMOUNT,
    ]


def test_a_double_of_another_day_is_a_double_on_its_own_day() -> None:
    known = MOVEMENT._replace(at=AT - 86_400, transaction_id=BalanceTransactionId("txn_1"), transaction_at=AT - 86_400)
    (finding,) = classify([ROW._replace(transaction_id=BalanceTransactionId("txn_2"))], [known], WINDOW)
    assert (finding.difference.kind, finding.resolves_at_once) == (DifferenceKind.DUPLICATE, False)
    assert finding.difference.is_incomplete, "the other row is to be read"
    assert kinds([ROW], [MOVEMENT._replace(transaction_id=BalanceTransactionId("txn_1"), transaction_at=AT)]) == []


def test_a_charge_that_failed_while_it_was_pending_is_on_neither_side() -> None:
    failure = ROW._replace(
        category="charge_failure", transaction_id=BalanceTransactionId("txn_2"), amount=-1000, fee=-59
    )
    assert kinds([ROW, failure], []) == []
    later = failure._replace(created=WINDOW.end + 86_400)
    (finding,) = classify([ROW, later], [], WINDOW)
    assert (finding.difference.kind, finding.resolves_at_once) == (DifferenceKind.TIMING, True)
    assert (finding.difference.category, finding.difference.date) == ("charge", DAY)
    (finding,) = classify([ROW._replace(created=WINDOW.start - 86_400), failure], [], WINDOW)
    assert (finding.difference.category, finding.resolves_at_once) == ("charge_failure", True)


def test_what_a_failed_charge_cost_all_the_same_is_missing_here() -> None:
    failure = ROW._replace(category="charge_failure", transaction_id=BalanceTransactionId("txn_2"), amount=-1000, fee=0)
    assert kinds([ROW, failure], []) == [DifferenceKind.MISSING_HERE] * 2
    assert kinds([ROW, failure._replace(fee=-59)], [MOVEMENT]) == [DifferenceKind.STATUS]


def test_what_stripe_booked_on_another_day_is_not_missing_there() -> None:
    booked = MOVEMENT._replace(transaction_id=BalanceTransactionId("txn_1"), transaction_at=WINDOW.last)
    assert kinds([], [booked]) == []
    assert kinds([], [booked._replace(transaction_at=AT)]) == [DifferenceKind.MISSING_AT_STRIPE], (
        "it was there, and is gone"
    )
    assert kinds([], [booked], _any_day(DAY)) == [DifferenceKind.MISSING_AT_STRIPE]


def test_beside_the_edge_of_a_report_the_ledger_dates_as_it_does() -> None:
    movement = MOVEMENT._replace(at=WINDOW.end + 2)
    assert kinds([ROW], [movement]) == [DifferenceKind.TIMING]
    assert kinds([ROW], [movement], replace(WINDOW, edge=CUTOFF)) == []


@pytest.mark.parametrize(
    ("ours", "theirs", "rate"),
    [
        (("EUR", 1000), ("USD", 1234), "1.234"),
        (("JPY", 1000), ("USD", 671), "0.67105"),
        (("USD", 1000), ("JPY", 1490), "1.4902"),
        (("USD", 671), ("KWD", 2060), "3.07"),
    ],
)
def test_what_stripe_converted_is_compared_at_its_rate(
    ours: tuple[str, int], theirs: tuple[str, int], rate: str
) -> None:
    movement = MOVEMENT._replace(currency=ours[0], amount=ours[1])
    row = ROW._replace(currency=theirs[0], amount=theirs[1], exchange_rate=rate)
    assert kinds([row], [movement]) == []
    assert kinds([row._replace(amount=theirs[1] + 10)], [movement]) == [DifferenceKind.AMOUNT]
    assert kinds([row._replace(exchange_rate=None)], [movement]) == [DifferenceKind.CURRENCY]


@pytest.mark.parametrize("rate", ["", "1,1", "?"])
def test_a_conversion_whose_rate_cannot_be_read_is_a_difference(rate: str) -> None:
    movement = MOVEMENT._replace(currency="EUR", amount=1000)
    assert kinds([ROW._replace(amount=1100, exchange_rate=rate)], [movement]) == [DifferenceKind.AMOUNT]


def test_what_stripe_converted_is_compared_with_what_it_was_before() -> None:
    converted = MOVEMENT._replace(currency="USD", amount=1234, presented_amount=1000, presented_currency="EUR")
    row = ROW._replace(amount=1234, exchange_rate="1.234")
    assert kinds([row], [converted]) == []
    # The ledger has the amount from Stripe's row: that they are equal says nothing.
    assert kinds([row], [converted._replace(presented_amount=900)]) == [DifferenceKind.AMOUNT]
    assert kinds([row._replace(exchange_rate=None)], [converted]) == [], "a report tells no rates"


def test_a_conversion_wants_stripes_row_though_it_cost_nothing() -> None:
    movement = MOVEMENT._replace(currency="EUR", amount=-1000, fee=None, category="refund")
    row = ROW._replace(category="refund", currency="USD", amount=-1100, fee=0, exchange_rate="1.1")
    (finding,) = classify([row], [movement], WINDOW)
    assert finding.difference.kind is DifferenceKind.FEE
    assert finding.difference.ledger is not None
    assert finding.difference.ledger.fee is None
    assert kinds([row._replace(currency="EUR", amount=-1000, exchange_rate=None)], [movement]) == []


def _any_day(day: date) -> Window:
    return Window.of_any_day(date=day, time_zone="UTC", cutoff=CUTOFF, now=WINDOW.now)


def test_a_difference_that_is_looked_at_from_another_day_keeps_its_own() -> None:
    later = ROW._replace(amount=ROW.amount + 1, created=WINDOW.end + 5)
    (finding,) = classify([later], [MOVEMENT], _any_day(date(2026, 4, 1)))
    assert (finding.difference.kind, finding.difference.date) == (DifferenceKind.AMOUNT, DAY + timedelta(days=1))


def test_the_id_of_a_difference_is_the_same_on_every_day_and_in_every_run() -> None:
    (first,) = classify([ROW], [], WINDOW)
    (again,) = classify([ROW], [], _any_day(date(2026, 4, 1)))
    assert first.difference.discrepancy_id == again.difference.discrepancy_id
    assert (
        first.difference.discrepancy_id
        != classify([ROW._replace(source_id=BalanceSourceId("ch_2"))], [], WINDOW)[0].difference.discrepancy_id
    )


@pytest.mark.parametrize(
    ("items_net", "final", "kind"),
    [(900, True, None), (899, True, DifferenceKind.AMOUNT), (899, False, DifferenceKind.TIMING)],
)
def test_a_payout_is_the_sum_of_what_it_pays(items_net: int, final: bool, kind: DifferenceKind | None) -> None:
    payout = PayoutSum(
        payout_id=PayoutId("po_1"),
        amount=SignedMoney(amount_cents=900, currency="JPY"),
        created=AT,
        items=3,
        items_net=SignedMoney(amount_cents=items_net, currency="JPY"),
        final=final,
    )
    finding = classify_payout(payout, WINDOW)
    assert (summary(finding) if finding else None) == ((kind, "po_1", "payout_items") if kind else None)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_a_day_is_as_long_as_its_time_zone_says(day: date, hours: int) -> None:
    window = day_window(day, "Europe/Berlin", cutoff=60, now=0)
    assert window.end - window.start == hours * 3600
    assert (window.first, window.last) == (window.start - 60, window.end + 60)


def test_days_follow_each_other_without_a_gap() -> None:
    following = day_window(date(2026, 3, 11), "Asia/Tokyo", cutoff=0, now=0)
    assert day_window(DAY, "Asia/Tokyo", cutoff=0, now=0).end == following.start


def test_a_moment_is_of_the_day_from_its_start_until_before_its_end() -> None:
    assert [WINDOW.holds(at) for at in (WINDOW.start - 1, WINDOW.start, WINDOW.end - 1, WINDOW.end)] == [
        *(False, True),
        *(True, False),
    ]


def test_near_an_edge_a_moment_is_nearly_of_the_day_and_not_well() -> None:
    window = replace(WINDOW, edge=60)
    moments = (window.start - 61, window.start - 60, window.start + 59, window.start + 60)
    assert [window.holds_nearly(at) for at in moments] == [False, True, True, True]
    assert [window.holds_well(at) for at in moments] == [False, False, False, True]
    moments = (window.end - 61, window.end - 60, window.end + 59, window.end + 60)
    assert [window.holds_nearly(at) for at in moments] == [True, True, True, False]
    assert [window.holds_well(at) for at in moments] == [True, False, False, False]


def test_of_several_days_each_moment_has_the_day_of_the_time_zone() -> None:
    berlin = day_window(date(2026, 6, 1), "Europe/Berlin", cutoff=0, now=0)
    days = replace(berlin, end=berlin.end + 86_400, time_zone="Europe/Berlin")
    assert [days.day_of(at).day for at in (berlin.start, berlin.end - 1, berlin.end)] == [1, 1, 2]
    assert berlin.day_of(berlin.end).day == 1, "a window of one day has no other"


@pytest.mark.parametrize(("amount", "agrees"), [(1099, True), (1101, True), (1098, False), (1102, False)])
def test_a_converted_amount_may_be_off_by_one_smallest_unit(amount: int, agrees: bool) -> None:
    row = ROW._replace(currency="EUR", amount=amount, exchange_rate="1.1")
    assert (kinds([row], [MOVEMENT._replace(fee=59)]) == []) is agrees


def test_a_payout_that_differs_shows_both_sums_of_stripe() -> None:
    payout = PayoutSum(
        payout_id=PayoutId("po_1"),
        amount=SignedMoney(amount_cents=900, currency="USD"),
        items_net=SignedMoney(amount_cents=1000, currency="USD"),
        items=2,
        created=AT,
        final=True,
    )
    finding = classify_payout(payout, WINDOW)
    assert finding is not None
    shown = finding.difference
    assert (shown.source_id, shown.category, shown.date) == ("po_1", "payout_items", DAY)
    assert shown.stripe == Entry(amount=900, currency="USD", fee=None, at=AT)
    assert shown.ledger == Entry(amount=1000, currency="USD", fee=None, at=AT)


def test_a_payout_that_differs_is_of_the_day_on_which_it_was_made() -> None:
    payout = PayoutSum(
        payout_id=PayoutId("po_1"),
        amount=SignedMoney(amount_cents=900, currency="USD"),
        items_net=SignedMoney(amount_cents=1000, currency="USD"),
        items=2,
        created=AT + 86_400,
        final=True,
    )
    finding = classify_payout(payout, _any_day(date(2026, 4, 1)))
    assert finding is not None
    assert finding.difference.date == DAY + timedelta(days=1)


def test_a_difference_shows_what_each_side_has() -> None:
    (finding,) = classify([ROW._replace(amount=999)], [MOVEMENT._replace(at=AT + 1)], WINDOW)
    assert finding.difference.stripe == Entry(amount=999, currency="USD", fee=59, at=AT)
    assert finding.difference.ledger == Entry(amount=1000, currency="USD", fee=59, at=AT + 1)


FEE_ROW = StripeRow(BalanceSourceId("ch_1"), "network_cost", BalanceTransactionId("txn_1"), -5, 0, "USD", AT)
FEE_MOVEMENT = Movement(
    BalanceSourceId("ch_1"), "network_cost", "USD", -5, 0, AT, None, BalanceTransactionId("txn_1"), AT
)


def test_a_row_that_is_booked_says_nothing_of_the_next_one() -> None:
    second = FEE_ROW._replace(transaction_id=BalanceTransactionId("txn_2"))
    assert kinds([FEE_ROW], [FEE_MOVEMENT]) == []
    (finding,) = classify([FEE_ROW, second], [FEE_MOVEMENT], WINDOW)
    assert (finding.difference.kind, finding.difference.transaction_ids) == (DifferenceKind.MISSING_HERE, ("txn_2",))
    both = [FEE_MOVEMENT, FEE_MOVEMENT._replace(transaction_id=BalanceTransactionId("txn_2"))]
    assert kinds([FEE_ROW, second], both) == []
    assert kinds([FEE_ROW, second._replace(amount=-6)], both) == [DifferenceKind.AMOUNT]


def test_a_second_row_of_another_day_is_classified_by_itself() -> None:
    second = FEE_ROW._replace(transaction_id=BalanceTransactionId("txn_2"))
    of_yesterday = FEE_MOVEMENT._replace(at=AT - 86_400, transaction_at=AT - 86_400)
    assert kinds([second], [of_yesterday]) == [DifferenceKind.MISSING_HERE]


def test_a_second_row_that_stripe_has_no_more_is_missing_there() -> None:
    both = [FEE_MOVEMENT, FEE_MOVEMENT._replace(transaction_id=BalanceTransactionId("txn_2"))]
    (finding,) = classify([FEE_ROW], both, WINDOW)
    assert (finding.difference.kind, finding.difference.transaction_ids) == (
        DifferenceKind.MISSING_AT_STRIPE,
        ("txn_2",),
    )


def test_two_rows_of_one_source_are_two_differences() -> None:
    second, third = (FEE_ROW._replace(transaction_id=BalanceTransactionId(f"txn_{number}")) for number in (2, 3))
    found = classify([FEE_ROW, second, third], [FEE_MOVEMENT], WINDOW)
    assert len({each.difference.discrepancy_id for each in found}) == 2


DISPUTE = StripeRow(BalanceSourceId("du_1"), "dispute", BalanceTransactionId("txn_1"), -1000, 1500, "USD", AT)
TAKEN = Movement(BalanceSourceId("du_1"), "dispute", "USD", -1000, 1500, AT, None, BalanceTransactionId("txn_1"), AT)


def test_a_dispute_may_have_a_second_row_that_is_not_the_first_again() -> None:
    second = DISPUTE._replace(transaction_id=BalanceTransactionId("txn_2"), amount=-30, fee=0)
    assert (
        kinds(
            [DISPUTE, second], [TAKEN, TAKEN._replace(transaction_id=BalanceTransactionId("txn_2"), amount=-30, fee=0)]
        )
        == []
    )
    assert kinds([DISPUTE, second], [TAKEN]) == [DifferenceKind.MISSING_HERE]
    assert kinds([second], [TAKEN._replace(at=AT - 86_400, transaction_at=AT - 86_400)]) == [
        DifferenceKind.MISSING_HERE
    ]
    assert kinds([DISPUTE, second], [TAKEN._replace(transaction_id=None, fee=None)]) == [
        DifferenceKind.FEE,
        DifferenceKind.MISSING_HERE,
    ]
    assert kinds([DISPUTE, second._replace(amount=-1000)], [TAKEN]) == [DifferenceKind.DUPLICATE]


def test_what_a_bank_took_once_more_is_no_duplicate() -> None:
    once_more = DISPUTE._replace(transaction_id=BalanceTransactionId("txn_2"))
    taken_again = TAKEN._replace(transaction_id=BalanceTransactionId("txn_2"))
    assert kinds([DISPUTE, once_more], [TAKEN, taken_again]) == []
    assert kinds([once_more], [taken_again, TAKEN._replace(at=AT - 86_400, transaction_at=AT - 86_400)]) == []
    assert kinds([DISPUTE, once_more], [TAKEN]) == [DifferenceKind.DUPLICATE]
    assert kinds([DISPUTE], [TAKEN, taken_again]) == [DifferenceKind.MISSING_AT_STRIPE]
    again = DISPUTE._replace(transaction_id=BalanceTransactionId("txn_3"))
    (finding,) = classify([DISPUTE, once_more, again], [TAKEN, taken_again], WINDOW)
    assert (finding.difference.kind, finding.difference.transaction_ids) == (DifferenceKind.DUPLICATE, ("txn_3",))


@pytest.mark.parametrize(
    ("kind", "source_id", "category", "transaction_id", "discrepancy_id"),
    [
        (DifferenceKind.MISSING_HERE, "ch_1", "charge", None, "afe1813c-f7d9-558e-8a73-848ca77a285d"),
        (DifferenceKind.AMOUNT, "ch_1", "charge", None, "9e0b6dd0-b4f9-5815-bd21-ad50bcc71817"),
        (DifferenceKind.AMOUNT, "re_1", "refund", None, "a9aa3bb7-7027-5406-9afb-3de47b976c45"),
        (DifferenceKind.TIMING, "po_1", "payout_items", None, "be1cd604-e944-5298-b010-ba27b308a87e"),
        (DifferenceKind.MISSING_HERE, "ch_1", "network_cost", "txn_1", "620bbf2a-b251-5a9d-884f-805b6551eeaf"),
        (DifferenceKind.MISSING_HERE, "ch_1", "network_cost", "txn_2", "913b2714-769c-5ab3-a3f7-111504be58ad"),
    ],
)
def test_the_id_of_a_discrepancy_is_the_same_for_ever(
    kind: DifferenceKind, source_id: str, category: str, transaction_id: str | None, discrepancy_id: str
) -> None:
    row = None if transaction_id is None else BalanceTransactionId(transaction_id)
    assert str(discrepancy_id_of(kind, BalanceSourceId(source_id), category, row)) == discrepancy_id


@pytest.mark.parametrize(
    ("category", "source_id", "transaction_ids", "named_by"),
    [
        ("charge", "ch_1", ("txn_1",), None),
        ("payout_items", "po_1", ("txn_1",), None),
        ("network_cost", "ch_1", ("txn_1",), "txn_1"),
        ("network_cost", "ch_1", ("txn_1", "txn_2"), None),
        ("network_cost", "ch_1", (), None),
        ("fee", "txn_1", ("txn_1",), None),
    ],
)
def test_a_row_names_its_discrepancy_where_a_source_may_have_many(
    category: str, source_id: str, transaction_ids: tuple[str, ...], named_by: str | None
) -> None:
    difference = Difference(
        kind=DifferenceKind.FEE,
        source_id=BalanceSourceId(source_id),
        category=category,
        date=DAY,
        stripe=None,
        ledger=None,
        transaction_ids=tuple(map(BalanceTransactionId, transaction_ids)),
    )
    row = None if named_by is None else BalanceTransactionId(named_by)
    assert difference.discrepancy_id == discrepancy_id_of(DifferenceKind.FEE, BalanceSourceId(source_id), category, row)
