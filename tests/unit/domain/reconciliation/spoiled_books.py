"""Two equal books, and ways to spoil them that each say which differences they make."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from domain.reconciliation.merge import Book, MergeJoin, Review
from domain.reconciliation.rows import Movement, StripeRow
from domain.reconciliation.values import Finding, Kind
from domain.reconciliation.window import Window, day_window

DAY = date(2026, 3, 10)
CUTOFF = 7200
WINDOW = day_window(DAY, "UTC", cutoff=CUTOFF, now=1_800_000_000)
Expected = set[tuple[Kind, str, str]]


@dataclass
class Books:
    """`expected`: the differences there are, by kind, source and category."""

    stripe: list[StripeRow] = field(default_factory=list)
    ledger: list[Movement] = field(default_factory=list)
    expected: Expected = field(default_factory=set)

    def add(self, source_id: str, category: str, *, amount: int, fee: int, currency: str, at: int) -> None:
        """Add a row that both books agree on."""
        self.stripe.append(StripeRow(source_id, category, f"txn_{len(self.stripe)}", amount, fee, currency, at))
        self.ledger.append(Movement(source_id, category, currency, amount, fee, at, uuid.uuid4(), None))


def compare(
    stripe: Iterable[StripeRow], ledger: Iterable[Movement], *, window: Window = WINDOW, chunk: int = 3
) -> tuple[list[Review], MergeJoin]:
    """Join two books that are handed over in chunks."""
    chunks = {
        Book.STRIPE: _chunks(sorted(stripe, key=lambda row: row.source_id), chunk),
        Book.LEDGER: _chunks(sorted(ledger, key=lambda row: row.source_id), chunk),
    }
    join, reviews = MergeJoin(window), list[Review]()
    while (book := join.wants) is not None:
        join.push(book, next(chunks[book], []))
        reviews += join.reviews()
    return reviews, join


def _chunks(
    rows: Sequence[StripeRow] | Sequence[Movement], size: int
) -> Iterator[Sequence[StripeRow] | Sequence[Movement]]:
    return (rows[at : at + size] for at in range(0, len(rows), size))


def found(reviews: Iterable[Review]) -> list[tuple[Kind, str, str]]:
    """Return what was found, in no order."""
    return [told(finding) for review in reviews for finding in review.findings]


def told(finding: Finding) -> tuple[Kind, str, str]:
    return (finding.difference.kind, finding.difference.source_id, finding.difference.category)


def _change_stripe(books: Books, at: int, **changes: Any) -> StripeRow:
    books.stripe[at] = books.stripe[at]._replace(**changes)
    return books.stripe[at]


def hide_at_stripe(books: Books, at: int) -> None:
    row = books.stripe[at]
    books.stripe[at] = row._replace(source_id="")
    books.expected.add((Kind.MISSING_AT_STRIPE, row.source_id, row.category))


def hide_here(books: Books, at: int) -> None:
    row = books.ledger[at]
    books.ledger[at] = row._replace(source_id="")
    books.expected.add((Kind.MISSING_HERE, row.source_id, row.category))


def wrong_amount(books: Books, at: int) -> None:
    row = _change_stripe(books, at, amount=books.stripe[at].amount + 1)
    books.expected.add((Kind.AMOUNT, row.source_id, row.category))


def wrong_fee(books: Books, at: int) -> None:
    row = _change_stripe(books, at, fee=books.stripe[at].fee + 1)
    books.expected.add((Kind.FEE, row.source_id, row.category))


def fee_never_recorded(books: Books, at: int) -> None:
    row = _change_stripe(books, at, fee=books.stripe[at].fee + 1)
    books.ledger[at] = books.ledger[at]._replace(fee=None)
    books.expected.add((Kind.FEE, row.source_id, row.category))


def wrong_currency(books: Books, at: int) -> None:
    row = _change_stripe(books, at, currency="XTS")
    books.expected.add((Kind.CURRENCY, row.source_id, row.category))


def double(books: Books, at: int) -> None:
    row = books.stripe[at]
    books.stripe.append(row._replace(transaction_id=f"{row.transaction_id}_again"))
    books.expected.add((Kind.DUPLICATE, row.source_id, row.category))


def double_as_recorded(books: Books, at: int) -> None:
    """The poller recorded both rows, so that their fees are in the ledger."""
    double(books, at)
    books.ledger[at] = books.ledger[at]._replace(fee=2 * books.stripe[at].fee)


def double_of_another_day(books: Books, at: int) -> None:
    """The ledger knows another row of it, which is of a day that is not looked at."""
    row = books.ledger[at]
    books.ledger[at] = row._replace(transaction_id="txn_before", transaction_at=WINDOW.start - 2 * CUTOFF)
    books.expected.add((Kind.DUPLICATE, row.source_id, row.category))


def converted_at_another_rate(books: Books, at: int) -> None:
    row = _change_stripe(books, at, exchange_rate="1.0")
    books.ledger[at] = books.ledger[at]._replace(
        presented_amount=2 * abs(row.amount) + 5000, presented_currency=row.currency
    )
    books.expected.add((Kind.AMOUNT, row.source_id, row.category))


def settles_the_next_day(books: Books, at: int) -> None:
    row = books.ledger[at]
    books.ledger[at] = row._replace(at=WINDOW.end + 60)
    books.expected.add((Kind.TIMING, row.source_id, row.category))


def goes_on_at_stripe_alone(books: Books, at: int) -> None:
    row = books.stripe[at]
    failed = row._replace(category="refund_failure", amount=-row.amount, transaction_id=f"{row.transaction_id}_back")
    books.stripe.append(failed)
    books.expected.add((Kind.STATUS, row.source_id, "refund_failure"))


def goes_on_here_alone(books: Books, at: int) -> None:
    row = books.ledger[at]
    books.ledger.append(row._replace(category="dispute_reversal", amount=-row.amount, fee=None))
    books.expected.add((Kind.STATUS, row.source_id, "dispute_reversal"))


SPOILERS: tuple[Callable[[Books, int], None], ...] = (
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
    settles_the_next_day,
    goes_on_at_stripe_alone,
    goes_on_here_alone,
)


def spoil(books: Books, plan: dict[int, Callable[[Books, int], None]]) -> Books:
    """Spoil the rows at these places; a row that was hidden is gone."""
    for at, spoiler in plan.items():
        spoiler(books, at)
    return Books(
        stripe=[row for row in books.stripe if row.source_id],
        ledger=[row for row in books.ledger if row.source_id],
        expected=books.expected,
    )
