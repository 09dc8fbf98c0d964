"""Two equal sides, and ways to spoil them that each say which differences they make."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from domain.ids import BalanceSourceId, BalanceTransactionId, PaymentId
from domain.reconciliation.merge import Candidate, MergeJoin, Side
from domain.reconciliation.rows import Movement, StripeRow
from domain.reconciliation.values import DifferenceKind, Finding
from domain.reconciliation.window import Window, day_window

DAY = date(2026, 3, 10)
CUTOFF = 7200
WINDOW = day_window(DAY, "UTC", cutoff=CUTOFF, now=1_800_000_000)
Expected = set[tuple[DifferenceKind, str, str]]


@dataclass
class Sides:
    """`expected`: the differences there are, by kind, source and category."""

    stripe: list[StripeRow] = field(default_factory=list)
    ledger: list[Movement] = field(default_factory=list)
    expected: Expected = field(default_factory=set)

    def add(self, source_id: str, category: str, *, amount: int, fee: int, currency: str, at: int) -> None:
        """Add a row that both sides agree on."""
        self.stripe.append(
            StripeRow(
                BalanceSourceId(source_id),
                category,
                BalanceTransactionId(f"txn_{len(self.stripe)}"),
                amount,
                fee,
                currency,
                at,
            )
        )
        self.ledger.append(
            Movement(BalanceSourceId(source_id), category, currency, amount, fee, at, PaymentId(uuid.uuid4()), None)
        )


def compare(
    stripe: Iterable[StripeRow], ledger: Iterable[Movement], *, window: Window = WINDOW, chunk: int = 3
) -> tuple[list[Candidate], MergeJoin]:
    """Join two sides that are handed over in chunks."""
    chunks = {
        Side.STRIPE: _chunks(sorted(stripe, key=lambda row: row.source_id), chunk),
        Side.LEDGER: _chunks(sorted(ledger, key=lambda row: row.source_id), chunk),
    }
    join, candidates = MergeJoin(window), list[Candidate]()
    while (book := join.next_side) is not None:
        join.push(book, next(chunks[book], []))
        candidates += join.candidates()
    return candidates, join


def _chunks(
    rows: Sequence[StripeRow] | Sequence[Movement], size: int
) -> Iterator[Sequence[StripeRow] | Sequence[Movement]]:
    return (rows[at : at + size] for at in range(0, len(rows), size))


def found(candidates: Iterable[Candidate]) -> list[tuple[DifferenceKind, str, str]]:
    """Return what was found, in no order."""
    return [summary(finding) for candidate in candidates for finding in candidate.findings]


def summary(finding: Finding) -> tuple[DifferenceKind, str, str]:
    return (finding.difference.kind, finding.difference.source_id, finding.difference.category)


def _change_stripe(sides: Sides, at: int, **changes: Any) -> StripeRow:
    sides.stripe[at] = sides.stripe[at]._replace(**changes)
    return sides.stripe[at]


def hide_at_stripe(sides: Sides, at: int) -> None:
    row = sides.stripe[at]
    sides.stripe[at] = row._replace(source_id=BalanceSourceId(""))
    sides.expected.add((DifferenceKind.MISSING_AT_STRIPE, row.source_id, row.category))


def hide_here(sides: Sides, at: int) -> None:
    row = sides.ledger[at]
    sides.ledger[at] = row._replace(source_id=BalanceSourceId(""))
    sides.expected.add((DifferenceKind.MISSING_HERE, row.source_id, row.category))


def wrong_amount(sides: Sides, at: int) -> None:
    row = _change_stripe(sides, at, amount=sides.stripe[at].amount + 1)
    sides.expected.add((DifferenceKind.AMOUNT, row.source_id, row.category))


def wrong_fee(sides: Sides, at: int) -> None:
    row = _change_stripe(sides, at, fee=sides.stripe[at].fee + 1)
    sides.expected.add((DifferenceKind.FEE, row.source_id, row.category))


def fee_never_recorded(sides: Sides, at: int) -> None:
    row = _change_stripe(sides, at, fee=sides.stripe[at].fee + 1)
    sides.ledger[at] = sides.ledger[at]._replace(fee=None)
    sides.expected.add((DifferenceKind.FEE, row.source_id, row.category))


def wrong_currency(sides: Sides, at: int) -> None:
    row = _change_stripe(sides, at, currency="XTS")
    sides.expected.add((DifferenceKind.CURRENCY, row.source_id, row.category))


def double(sides: Sides, at: int) -> None:
    row = sides.stripe[at]
    sides.stripe.append(row._replace(transaction_id=BalanceTransactionId(f"{row.transaction_id}_again")))
    sides.expected.add((DifferenceKind.DUPLICATE, row.source_id, row.category))


def double_as_recorded(sides: Sides, at: int) -> None:
    """The poller recorded both rows, so that their fees are in the ledger."""
    double(sides, at)
    sides.ledger[at] = sides.ledger[at]._replace(fee=2 * sides.stripe[at].fee)


def double_of_another_day(sides: Sides, at: int) -> None:
    """The ledger knows another row of it, which is of a day that is not looked at."""
    row = sides.ledger[at]
    sides.ledger[at] = row._replace(
        transaction_id=BalanceTransactionId("txn_before"), transaction_at=WINDOW.start - 2 * CUTOFF
    )
    sides.expected.add((DifferenceKind.DUPLICATE, row.source_id, row.category))


def converted_at_another_rate(sides: Sides, at: int) -> None:
    row = _change_stripe(sides, at, exchange_rate="1.0")
    sides.ledger[at] = sides.ledger[at]._replace(
        presented_amount=2 * abs(row.amount) + 5000, presented_currency=row.currency
    )
    sides.expected.add((DifferenceKind.AMOUNT, row.source_id, row.category))


def matches_the_next_day(sides: Sides, at: int) -> None:
    row = sides.ledger[at]
    sides.ledger[at] = row._replace(at=WINDOW.end + 60)
    sides.expected.add((DifferenceKind.TIMING, row.source_id, row.category))


def goes_on_at_stripe_alone(sides: Sides, at: int) -> None:
    row = sides.stripe[at]
    failed = row._replace(
        category="refund_failure", amount=-row.amount, transaction_id=BalanceTransactionId(f"{row.transaction_id}_back")
    )
    sides.stripe.append(failed)
    sides.expected.add((DifferenceKind.STATUS, row.source_id, "refund_failure"))


def goes_on_here_alone(sides: Sides, at: int) -> None:
    row = sides.ledger[at]
    sides.ledger.append(row._replace(category="dispute_reversal", amount=-row.amount, fee=None))
    sides.expected.add((DifferenceKind.STATUS, row.source_id, "dispute_reversal"))


SPOILERS: tuple[Callable[[Sides, int], None], ...] = (
    hide_at_stripe,
    hide_here,
    wrong_amount,
    wrong_fee,
    fee_never_recorded,
    wrong_currency,
    double,
    double_as_recorded,
    double_of_another_day,
    converted_at_another_rate,
    matches_the_next_day,
    goes_on_at_stripe_alone,
    goes_on_here_alone,
)


def spoil(sides: Sides, plan: dict[int, Callable[[Sides, int], None]]) -> Sides:
    """Spoil the rows at these places; a row that was hidden is gone."""
    for at, spoiler in plan.items():
        spoiler(sides, at)
    return Sides(
        stripe=[row for row in sides.stripe if row.source_id],
        ledger=[row for row in sides.ledger if row.source_id],
        expected=sides.expected,
    )
