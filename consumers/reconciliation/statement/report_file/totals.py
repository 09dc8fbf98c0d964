"""Total rows below the others: they are no transactions, and tell whether one is missing."""

from collections import Counter
from dataclasses import dataclass, field

WORDS = frozenset({"total", "totals", "grand total", "sum", "sums"})
AMOUNTS = ("gross", "fee", "net")


def is_total_word(text: str) -> bool:
    """Whether a cell says that its row is a total."""
    return text.strip(" :").lower() in WORDS


@dataclass(kw_only=True)
class Totals:
    """What the rows come to, by currency and column, in the currency's smallest unit."""

    sums: dict[str, Counter[str]] = field(default_factory=dict)
    line: int | None = None
    """Where a total stands."""

    def add(self, currency: str, *, gross: int, fee: int, net: int) -> None:
        """Count a row of the file."""
        found = self.sums.get(currency)
        if found is None:
            found = self.sums[currency] = Counter()
        found["gross"] += gross
        found["fee"] += fee
        found["net"] += net

    def only_currency(self) -> str | None:
        """Return the currency of all rows; None when there are several, or no rows."""
        return next(iter(self.sums)) if len(self.sums) == 1 else None

    def sum_of(self, currency: str, column: str) -> int:
        """Return what the rows of a currency come to in a column."""
        return self.sums[currency][column] if currency in self.sums else 0
