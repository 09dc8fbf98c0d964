"""What differs between all that the two books say of one source.

A source is judged as a whole, since a row that one side lacks means something else when that side knows the source by
another row: then it is the object's status that differs.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal, InvalidOperation

from domain.currencies import decimals
from domain.reconciliation.rows import Movement, PayoutSum, StripeRow
from domain.reconciliation.values import Difference, Entry, Finding, Kind
from domain.reconciliation.window import Window

ONCE = frozenset(
    {
        *("charge", "refund", "refund_failure", "dispute", "dispute_reversal"),
        *("payout", "payout_reversal"),
    }
)
"""Categories of which a source has one row: a second one is a mistake. Of others it may have many."""
PAYOUT_ITEMS = "payout_items"


def judge(stripe: Iterable[StripeRow], ours: Iterable[Movement], window: Window) -> list[Finding]:
    """Return what differs in the rows of one source, as far as it is of the window's day.

    A difference is of the day of Stripe's row, or of ours where Stripe has none. The order of the rows is of no
    meaning. For a true verdict on a row that one side lacks, all rows of the source must be there, whatever their day.
    """
    theirs_by, ours_by = _by_category(stripe), _movements_by_category(ours)
    findings: list[Finding] = []
    for category in sorted(theirs_by.keys() | ours_by.keys()):
        rows, movements = theirs_by.get(category, []), ours_by.get(category, [])
        if rows:
            if not any(window.holds(row.created) for row in rows):
                continue
            if movements:
                findings += _both(rows, movements, window)
            else:
                findings.append(_only_stripe(rows, window, known_here=bool(ours_by)))
        elif any(window.holds(movement.at) and not _is_booked_elsewhere(movement, window) for movement in movements):
            findings.append(_only_ours(movements, window, known_there=bool(theirs_by)))
    return findings


def judge_payout(payout: PayoutSum, window: Window) -> Finding | None:
    """Return how a payout differs from the sum of what it pays, if it does."""
    if payout.items_net == payout.amount:
        return None
    difference = Difference(
        kind=Kind.AMOUNT if payout.final else Kind.TIMING,
        source_id=payout.payout_id,
        category=PAYOUT_ITEMS,
        date=window.day_of(payout.created),
        stripe=Entry(amount=payout.amount, currency=payout.currency, fee=None, at=payout.created),
        ledger=Entry(amount=payout.items_net, currency=payout.currency, fee=None, at=payout.created),
    )
    return Finding(difference=difference)


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
        kind = Kind.TIMING
    else:
        kind = Kind.STATUS if known_here else Kind.MISSING_HERE
    return Finding(difference=_difference(kind, rows, (), window))


def _only_ours(movements: Sequence[Movement], window: Window, *, known_there: bool) -> Finding:
    if window.may_still_come(max(movement.at for movement in movements)):
        kind = Kind.TIMING
    else:
        kind = Kind.STATUS if known_there else Kind.MISSING_AT_STRIPE
    return Finding(difference=_difference(kind, (), movements, window))


def _both(rows: Sequence[StripeRow], movements: Sequence[Movement], window: Window) -> Iterator[Finding]:
    def finding(kind: Kind, *, settled: bool = False) -> Finding:
        return Finding(difference=_difference(kind, rows, movements, window), settled=settled)

    double = rows[0].category in ONCE and (len(rows) > 1 or len(movements) > 1 or _has_another(rows, movements))
    if double:
        yield finding(Kind.DUPLICATE)
    if not _currencies_agree(rows, movements):
        yield finding(Kind.CURRENCY)
    elif not _amounts_agree(rows, movements):
        yield finding(Kind.AMOUNT)
    fees = [movement.fee for movement in movements if movement.fee is not None]
    # A conversion is posted with Stripe's row, as a fee is.
    ours = {movement.currency for movement in movements}
    awaited = not fees and any(row.fee or row.currency not in ours for row in rows)
    late = awaited and window.may_still_come(max(row.created for row in rows))
    if (awaited and not late) or (fees and not _fees_agree(rows, sum(fees))):
        yield finding(Kind.FEE)
    elsewhere = not double and not any(window.holds_nearly(movement.at) for movement in movements)
    if late or elsewhere:
        yield finding(Kind.TIMING, settled=not late)


def _has_another(rows: Sequence[StripeRow], movements: Sequence[Movement]) -> bool:
    """Whether Stripe has one more row of it, on another day, as the ledger knows."""
    known = {row.transaction_id for row in rows}
    return any(each.transaction_id is not None and each.transaction_id not in known for each in movements)


def _currencies_agree(rows: Sequence[StripeRow], movements: Sequence[Movement]) -> bool:
    """Another currency is as it should be where Stripe says at what rate it converted."""
    expected = {movement.currency for movement in movements}
    return all(row.currency in expected or row.exchange_rate is not None for row in rows)


def _amounts_agree(rows: Sequence[StripeRow], movements: Sequence[Movement]) -> bool:
    """Of several rows, the ledger may have the sum, or the first of them. What was converted keeps its worth."""
    if not all(_is_fair(rows, movement) for movement in movements):
        return False
    total, ours = sum(row.amount for row in rows), sum(movement.amount for movement in movements)
    return total == ours or any(_is_worth(row, movement) for row in rows for movement in movements)


def _is_worth(row: StripeRow, movement: Movement) -> bool:
    if row.currency == movement.currency:
        return row.amount == movement.amount
    return _is_at_rate(row, movement.amount, movement.currency)


def _is_fair(rows: Sequence[StripeRow], movement: Movement) -> bool:
    """Whether Stripe gave for it what its rate says: the ledger has the converted amount from Stripe itself."""
    amount, currency = movement.presented_amount, movement.presented_currency
    if amount is None or currency is None:
        return True
    rated = [row for row in rows if row.exchange_rate is not None]  # a report has no rates
    return not rated or any(_is_at_rate(row, amount, currency) for row in rated)


def _is_at_rate(row: StripeRow, amount: int, currency: str) -> bool:
    try:
        rate = Decimal(row.exchange_rate or "")
    except InvalidOperation:
        return False
    # The rate is between whole units: https://docs.stripe.com/api/balance_transactions/object#balance_transaction_object-exchange_rate
    shift = decimals(row.currency) - decimals(currency)
    converted = (Decimal(amount) * rate).scaleb(shift)
    # Stripe shows six digits of it.
    tolerance = max(Decimal(1), abs(converted) * Decimal("0.00001"))
    return abs(converted - row.amount) <= tolerance


def _fees_agree(rows: Sequence[StripeRow], fee: int) -> bool:
    return fee == sum(row.fee for row in rows) or any(fee == row.fee for row in rows)


def _difference(kind: Kind, rows: Sequence[StripeRow], movements: Sequence[Movement], window: Window) -> Difference:
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
