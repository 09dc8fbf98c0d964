"""Reads two sorted sides in parallel, once, in constant memory, and classifies source after source.

It pulls nothing itself: the caller pushes the next rows of the side that `next_side` names.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar

from domain.ids import BalanceSourceId
from domain.reconciliation.classify import classify
from domain.reconciliation.errors import RowsNotSorted
from domain.reconciliation.rows import ForeignRow, Movement, StripeRow
from domain.reconciliation.values import CurrencyTotals, Finding
from domain.reconciliation.window import Window

R = TypeVar("R", StripeRow, Movement)


def with_foreign(totals: Iterable[CurrencyTotals], foreign: Iterable[ForeignRow]) -> tuple[CurrencyTotals, ...]:
    """Return a day's totals with the rows of other systems counted separately."""
    by_currency = {each.currency: each for each in totals}
    for row in foreign:
        each = by_currency.get(row.currency) or CurrencyTotals(currency=row.currency)
        by_currency[row.currency] = replace(
            each,
            foreign_rows=each.foreign_rows + 1,
            foreign_amount=each.foreign_amount + row.amount,
            foreign_fee=each.foreign_fee + row.fee,
        )
    return tuple(by_currency[currency] for currency in sorted(by_currency))


class Side(StrEnum):
    """Whose rows these are."""

    STRIPE = "stripe"
    LEDGER = "ledger"


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A source that differs, with all that was read of it."""

    source_id: BalanceSourceId
    findings: tuple[Finding, ...]
    stripe: tuple[StripeRow, ...]
    ledger: tuple[Movement, ...]

    @property
    def lacks_a_row(self) -> bool:
        """Whether it has to be classified again with rows of other days: one that is missing may stand there."""
        return any(finding.difference.is_incomplete for finding in self.findings)


class _Reader(Generic[R]):
    """The rows of a side that were pushed and not looked at yet."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.rows: list[R] = []
        self.at = 0
        self.ended = False
        self._newest = ""

    def push(self, rows: Sequence[R]) -> None:
        if not rows:
            self.ended = True
            return
        newest = self._newest
        for row in rows:
            if row[0] < newest:
                raise RowsNotSorted(side=self.side.value, before=newest, after=row[0])
            newest = row[0]
        self._newest = newest
        del self.rows[: self.at]
        self.rows.extend(rows)
        self.at = 0

    @property
    def source(self) -> str | None:
        return self.rows[self.at][0] if self.at < len(self.rows) else None

    def end_of(self, source: str) -> int | None:
        """Return where the rows of the source end, or None while more of them may come."""
        rows, end = self.rows, self.at
        while end < len(rows):
            if rows[end][0] != source:
                return end
            end += 1
        return end if self.ended else None


class MergeJoin:
    """Both sides must be sorted by source, by code points.

    join = MergeJoin(window)
    while (side := join.next_side) is not None:
        join.push(side, await next_rows_of(side))  # no rows: it is at its end
        for candidate in join.candidates():
            ...
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._stripe = _Reader[StripeRow](Side.STRIPE)
        self._ledger = _Reader[Movement](Side.LEDGER)
        self._totals: dict[str, list[int]] = {}
        self.next_side: Side | None = Side.STRIPE
        """The side whose rows it needs next; None once both are at their end."""
        self.rows = 0
        """How many rows it has looked at."""

    @property
    def totals(self) -> tuple[CurrencyTotals, ...]:
        """The totals of the day so far, by currency."""
        return tuple(
            CurrencyTotals(
                currency=currency,
                stripe_rows=sums[0],
                stripe_amount=sums[1],
                stripe_fee=sums[2],
                ledger_rows=sums[3],
                ledger_amount=sums[4],
                ledger_fee=sums[5],
            )
            for currency, sums in sorted(self._totals.items())
        )

    def push(self, side: Side, rows: Sequence[StripeRow] | Sequence[Movement]) -> None:
        """Take the next rows of a side; an empty sequence is its end. Raises RowsNotSorted."""
        reader: _Reader[StripeRow] | _Reader[Movement] = self._stripe if side is Side.STRIPE else self._ledger
        reader.push(rows)  # type: ignore[arg-type]  # the caller pushes the rows of that side

    def candidates(self) -> Iterator[Candidate]:
        """Yield the sources that differ, as far as rows were pushed. Then `next_side` tells whose rows come next."""
        stripe, ledger = self._stripe, self._ledger
        while True:
            self._pass_equal_pairs()
            theirs, ours = stripe.source, ledger.source
            if theirs is None and not stripe.ended:
                self.next_side = Side.STRIPE
                return
            if ours is None and not ledger.ended:
                self.next_side = Side.LEDGER
                return
            source = min((each for each in (theirs, ours) if each is not None), default=None)
            if source is None:
                self.next_side = None
                return
            stripe_end, ledger_end = stripe.end_of(source), ledger.end_of(source)
            if stripe_end is None or ledger_end is None:
                self.next_side = Side.STRIPE if stripe_end is None else Side.LEDGER
                return
            rows, movements = stripe.rows[stripe.at : stripe_end], ledger.rows[ledger.at : ledger_end]
            stripe.at, ledger.at = stripe_end, ledger_end
            self._count(rows, movements)
            if findings := classify(rows, movements, self._window):
                yield Candidate(
                    source_id=BalanceSourceId(source),
                    findings=tuple(findings),
                    stripe=tuple(rows),
                    ledger=tuple(movements),
                )

    def _pass_equal_pairs(self) -> None:
        """Skip sources with one row on each side that agree, as nearly all are: ten times faster than one by one.

        It stops at the first source that is anything else, and before the last row of either side: more may follow.
        """
        rows, movements = self._stripe.rows, self._ledger.rows
        start, end, totals = self._window.start, self._window.end, self._totals
        i = first = self._stripe.at
        j = self._ledger.at
        for _ in range(min(len(rows) - i, len(movements) - j) - 1):
            source, category, transaction_id, amount, fee, currency, created, _ = rows[i]
            movement = movements[j]
            if (
                movement[:5] != (source, category, currency, amount, fee)
                or (movement[7] is not None and movement[7] != transaction_id)
                or movement[9] is not None
                or rows[i + 1][0] == source
                or movements[j + 1][0] == source
                or not start <= created < end
                or not start <= movement[5] < end
            ):
                break
            sums = totals.get(currency) or totals.setdefault(currency, [0] * 6)
            sums[0] += 1
            sums[1] += amount
            sums[2] += fee
            sums[3] += 1
            sums[4] += amount
            sums[5] += fee
            i += 1
            j += 1
        self.rows += 2 * (i - first)
        self._stripe.at, self._ledger.at = i, j

    def _count(self, rows: Sequence[StripeRow], movements: Sequence[Movement]) -> None:
        start, end = self._window.start, self._window.end
        self.rows += len(rows) + len(movements)
        for row in rows:
            if start <= row.created < end:
                sums = self._totals.get(row.currency) or self._totals.setdefault(row.currency, [0] * 6)
                sums[0] += 1
                sums[1] += row.amount
                sums[2] += row.fee
        for movement in movements:
            if start <= movement.at < end:
                sums = self._totals.get(movement.currency) or self._totals.setdefault(movement.currency, [0] * 6)
                sums[3] += 1
                sums[4] += movement.amount
                sums[5] += movement.fee or 0
