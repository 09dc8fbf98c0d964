"""Classifies what differs between all rows of one source, on both sides.

A source is classified as a whole, since a row that one side lacks means something else when that side knows the source
by another row: then the object's status differs. Where a source may have many rows of a category, each row is
classified by itself: that one of them is booked says nothing about the next.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation

from domain.ids import BalanceSourceId
from domain.money import SignedMoney
from domain.reconciliation.rows import Movement, PayoutSum, StripeRow
from domain.reconciliation.values import ONCE, PAYOUT_ITEMS, Difference, DifferenceKind, Entry, Finding
from domain.reconciliation.window import Window

_TWICE = frozenset({"dispute", "dispute_reversal"})
"""Of a dispute, Stripe may have a second row that is not the first one again.

That is a conversion, a fee given back, or what a bank took or gave back once more.
"""


def classify(stripe: Iterable[StripeRow], ours: Iterable[Movement], window: Window) -> list[Finding]:
    """Return what differs in the rows of one source, as far as it is of the window's day.

    A difference is of the day of Stripe's row, or of ours where Stripe has none. The order of the rows does not
    matter. To classify a row that one side lacks, all rows of the source must be there, whatever their day.
    """
    theirs_by, ours_by = _by_category(stripe), _movements_by_category(ours)
    if not ours_by and _came_to_nothing(theirs_by):
        return _of_another_day(theirs_by, window)
    findings: list[Finding] = []
    for category in sorted(theirs_by.keys() | ours_by.keys()):
        known_here, known_there = bool(ours_by.keys() - {category}), bool(theirs_by.keys() - {category})
        for rows, movements in _parts(category, theirs_by.get(category, []), ours_by.get(category, [])):
            findings += _classify_part(rows, movements, window, known_here=known_here, known_there=known_there)
    return findings


def _came_to_nothing(rows: Mapping[str, Sequence[StripeRow]]) -> bool:
    """Whether it is a charge that failed while it was pending: no payment tells of it, and nothing is left of it.

    https://docs.stripe.com/reports/balance-transaction-types
    """
    every = [row for of_category in rows.values() for row in of_category]
    is_charge = rows.keys() == {"charge", "charge_failure"} and len({row.currency for row in every}) == 1
    return is_charge and sum(row.amount - row.fee for row in every) == 0


def _of_another_day(rows: Mapping[str, Sequence[StripeRow]], window: Window) -> list[Finding]:
    """Say of a charge that came to nothing what is left of it on the window's day, which explains that day's total."""
    of_day = [row for of_category in rows.values() for row in of_category if window.holds(row.created)]
    if sum(row.amount - row.fee for row in of_day) == 0:
        return []
    return [
        Finding(difference=_difference(DifferenceKind.TIMING, (row,), (), window), resolves_at_once=True)
        for row in of_day
    ]


def _classify_part(
    rows: Sequence[StripeRow], movements: Sequence[Movement], window: Window, *, known_here: bool, known_there: bool
) -> Iterator[Finding]:
    if rows:
        if any(window.holds(row.created) for row in rows):
            if movements:
                yield from _both(rows, movements, window)
            else:
                yield _only_stripe(rows, window, known_here=known_here)
    elif any(window.holds(movement.at) and not _is_booked_elsewhere(movement, window) for movement in movements):
        yield _only_ours(movements, window, known_there=known_there)


def _parts(
    category: str, rows: Sequence[StripeRow], movements: Sequence[Movement]
) -> Iterator[tuple[Sequence[StripeRow], Sequence[Movement]]]:
    """Yield what is classified by itself: each row with its movement, as far as the ledger says which one it is."""
    if category in ONCE and not (category in _TWICE and _are_distinct(rows, movements)):
        yield rows, movements
        return
    waiting = {row.transaction_id: row for row in rows}
    unnamed: list[Movement] = []
    for movement in movements:
        if movement.transaction_id is None:
            same = next((row for row in waiting.values() if category in _TWICE and _is_worth(row, movement)), None)
            if same is None:
                unnamed.append(movement)
            else:
                yield (waiting.pop(same.transaction_id),), (movement,)
        elif (row := waiting.pop(movement.transaction_id, None)) is not None:
            yield (row,), (movement,)
        else:
            yield (), (movement,)
    if unnamed:
        yield tuple(waiting.values()), unnamed
    else:
        for row in waiting.values():
            # One more of what is booked is that one again.
            booked = (each for each in movements if each.transaction_id is not None and _is_worth(row, each))
            again = next(booked, None) if category in _TWICE else None
            yield (row,), () if again is None else (again,)


def _are_distinct(rows: Sequence[StripeRow], movements: Sequence[Movement]) -> bool:
    """Whether these are several rows, as far as anybody knows, and none of them is another one again.

    The ledger names two rows where it has two movements: what a bank took, gave back and took once more.
    """
    if len({each.transaction_id for each in movements if each.transaction_id is not None}) > 1:
        return True
    known = {row.transaction_id: (row.currency, row.amount) for row in rows}
    for movement in movements:
        if movement.transaction_id is not None:
            known.setdefault(movement.transaction_id, (movement.currency, movement.amount))
    return len(known) > 1 and len(set(known.values())) == len(known)


def classify_payout(payout: PayoutSum, window: Window) -> Finding | None:
    """Return how a payout differs from the sum of what it pays, if it does."""
    if payout.items_net == payout.amount:
        return None
    difference = Difference(
        kind=DifferenceKind.AMOUNT if payout.final else DifferenceKind.TIMING,
        source_id=BalanceSourceId(payout.payout_id),
        category=PAYOUT_ITEMS,
        date=window.day_of(payout.created),
        stripe=_entry(payout.amount, payout.created),
        ledger=_entry(payout.items_net, payout.created),
    )
    return Finding(difference=difference)


def _entry(amount: SignedMoney, at: int) -> Entry:
    return Entry(amount=amount.amount_cents, currency=amount.currency, fee=None, at=at)


def _by_category(rows: Iterable[StripeRow]) -> dict[str, list[StripeRow]]:
    found: dict[str, dict[str, StripeRow]] = {}
    for row in rows:  # one that was read twice is one
        found.setdefault(row.category, {})[row.transaction_id] = row
    return {category: [by_id[each] for each in sorted(by_id)] for category, by_id in found.items()}


def _movements_by_category(movements: Iterable[Movement]) -> dict[str, list[Movement]]:
    found: dict[str, list[Movement]] = {}
    for movement in movements:
        found.setdefault(movement.category, []).append(movement)
    return found


def _is_booked_elsewhere(movement: Movement, window: Window) -> bool:
    """Whether Stripe has it on a day that is not looked at, as the ledger knows: then it is of that day."""
    booked = movement.transaction_at
    return booked is not None and not window.first <= booked < window.last


def _only_stripe(rows: Sequence[StripeRow], window: Window, *, known_here: bool) -> Finding:
    if window.may_still_come(max(row.created for row in rows)):
        kind = DifferenceKind.TIMING
    else:
        kind = DifferenceKind.STATUS if known_here else DifferenceKind.MISSING_HERE
    return Finding(difference=_difference(kind, rows, (), window))


def _only_ours(movements: Sequence[Movement], window: Window, *, known_there: bool) -> Finding:
    if window.may_still_come(max(movement.at for movement in movements)):
        kind = DifferenceKind.TIMING
    else:
        kind = DifferenceKind.STATUS if known_there else DifferenceKind.MISSING_AT_STRIPE
    return Finding(difference=_difference(kind, (), movements, window))


def _both(rows: Sequence[StripeRow], movements: Sequence[Movement], window: Window) -> Iterator[Finding]:
    def finding(kind: DifferenceKind, *, resolves_at_once: bool = False) -> Finding:
        return Finding(difference=_difference(kind, rows, movements, window), resolves_at_once=resolves_at_once)

    double = rows[0].category in ONCE and (len(rows) > 1 or len(movements) > 1 or _has_another(rows, movements))
    if double:
        yield finding(DifferenceKind.DUPLICATE)
    if not _currencies_agree(rows, movements):
        yield finding(DifferenceKind.CURRENCY)
    elif not _amounts_agree(rows, movements, double=double):
        yield finding(DifferenceKind.AMOUNT)
    fees = [movement.fee for movement in movements if movement.fee is not None]
    # A conversion is posted with Stripe's row, as a fee is.
    ours = {movement.currency for movement in movements}
    awaited = not fees and any(row.fee or row.currency not in ours for row in rows)
    late = awaited and window.may_still_come(max(row.created for row in rows))
    if (awaited and not late) or (fees and not _fees_agree(rows, sum(fees), double=double)):
        yield finding(DifferenceKind.FEE)
    elsewhere = not double and not any(window.holds_nearly(movement.at) for movement in movements)
    if late or elsewhere:
        yield finding(DifferenceKind.TIMING, resolves_at_once=not late)


def _has_another(rows: Sequence[StripeRow], movements: Sequence[Movement]) -> bool:
    """Whether Stripe has one more row of it, on another day, as the ledger knows."""
    known = {row.transaction_id for row in rows}
    return any(each.transaction_id is not None and each.transaction_id not in known for each in movements)


def _currencies_agree(rows: Sequence[StripeRow], movements: Sequence[Movement]) -> bool:
    """Another currency is as it should be where Stripe says at what rate it converted."""
    expected = {movement.currency for movement in movements}
    return all(row.currency in expected or row.exchange_rate is not None for row in rows)


def _amounts_agree(rows: Sequence[StripeRow], movements: Sequence[Movement], *, double: bool) -> bool:
    """Of a double, the ledger may have the sum, or one of them. What was converted keeps its worth."""
    if not all(_is_fair(rows, movement) for movement in movements):
        return False
    if sum(row.amount for row in rows) == sum(movement.amount for movement in movements):
        return True
    alone = len(rows) == len(movements) == 1
    return (double or alone) and any(_is_worth(row, movement) for row in rows for movement in movements)


def _is_worth(row: StripeRow, movement: Movement) -> bool:
    if row.currency == movement.currency:
        return row.amount == movement.amount
    return _is_at_rate(row, SignedMoney(amount_cents=movement.amount, currency=movement.currency))


def _is_fair(rows: Sequence[StripeRow], movement: Movement) -> bool:
    """Whether Stripe gave for it what its rate says: the ledger has the converted amount from Stripe itself."""
    presented = movement.presented
    if presented is None:
        return True
    rated = [row for row in rows if row.exchange_rate is not None]  # a report has no rates
    return not rated or any(_is_at_rate(row, presented) for row in rated)


def _is_at_rate(row: StripeRow, presented: SignedMoney) -> bool:
    try:
        rate = Decimal(row.exchange_rate or "")
    except InvalidOperation:
        return False
    # The rate is between the smallest units, in which Stripe counts amounts, also where their decimals differ:
    # https://docs.stripe.com/api/balance_transactions/object#balance_transaction_object-exchange_rate
    converted = Decimal(presented.amount_cents) * rate
    # Stripe shows six digits of it.
    tolerance = max(Decimal(1), abs(converted) * Decimal("0.00001"))
    return abs(converted - row.amount) <= tolerance


def _fees_agree(rows: Sequence[StripeRow], fee: int, *, double: bool) -> bool:
    return fee == sum(row.fee for row in rows) or (double and any(fee == row.fee for row in rows))


def _difference(
    kind: DifferenceKind, rows: Sequence[StripeRow], movements: Sequence[Movement], window: Window
) -> Difference:
    source_id, category = (rows[0] if rows else movements[0])[:2]
    recorded = (movement.transaction_id for movement in movements)
    moments = [row.created for row in rows] or [movement.at for movement in movements]
    return Difference(
        kind=kind,
        source_id=source_id,
        category=category,
        date=window.day_of(next(filter(window.holds, moments))),
        stripe=_stripe_entry(rows) if rows else None,
        ledger=_ledger_entry(movements) if movements else None,
        transaction_ids=tuple(
            sorted({row.transaction_id for row in rows} or {each for each in recorded if each is not None})
        ),
        payment_id=next((movement.payment_id for movement in movements if movement.payment_id), None),
    )


def _stripe_entry(rows: Sequence[StripeRow]) -> Entry:
    return Entry(
        amount=sum(row.amount for row in rows),
        currency=rows[0].currency,
        fee=sum(row.fee for row in rows),
        at=min(row.created for row in rows),
    )


def _ledger_entry(movements: Sequence[Movement]) -> Entry:
    fees = [movement.fee for movement in movements if movement.fee is not None]
    return Entry(
        amount=sum(movement.amount for movement in movements),
        currency=movements[0].currency,
        fee=sum(fees) if fees else None,
        at=min(movement.at for movement in movements),
    )
