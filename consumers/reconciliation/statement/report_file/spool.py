"""The rows of a report on disk while a run needs them: each once, however often the file has it.

A report may have more rows than fit into memory. SQLite's temporary database ("") is in memory until it grows, then in
a file that nobody else sees, and is gone when it is closed: https://www.sqlite.org/inmemorydb.html#temp_db
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from consumers.reconciliation.statement.report_file.errors import refused_at
from consumers.reconciliation.statement.report_file.rows import ReportRow
from domain.ids import BalanceSourceId, PayoutId
from domain.reconciliation.rows import StripeRow

_TABLE = """
CREATE TABLE rows (
    transaction_id TEXT PRIMARY KEY, line INTEGER NOT NULL, source_id TEXT NOT NULL, category TEXT NOT NULL,
    amount INTEGER NOT NULL, fee INTEGER NOT NULL, currency TEXT NOT NULL, created INTEGER NOT NULL,
    payout_id TEXT NOT NULL, net INTEGER NOT NULL
)
"""
_INSERT = "INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
_ALL = """
SELECT source_id, category, transaction_id, amount, fee, currency, created, payout_id, net FROM rows ORDER BY line
"""
_BY_ID = """
SELECT source_id, category, transaction_id, amount, fee, currency, created, payout_id, net
  FROM rows WHERE transaction_id = ?
"""
_OF_SOURCE = """
SELECT source_id, category, transaction_id, amount, fee, currency, created, payout_id, net
  FROM rows WHERE source_id = ? ORDER BY line
"""
_LINE_OF = "SELECT line FROM rows WHERE transaction_id = ?"
_PAID = """
SELECT payout_id, currency, net FROM rows
 WHERE payout_id <> ''
   AND NOT (category = 'payout' AND source_id IN (payout_id, transaction_id))
   AND NOT (category = 'payout_reversal' AND source_id = payout_id)
 ORDER BY line
"""


class Spool:
    """Rows that were read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._database = sqlite3.connect("", isolation_level=None)
        self._database.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {_TABLE}; BEGIN;")

    def close(self) -> None:
        """Throw the rows away."""
        self._database.close()

    def add(self, line: int, found: ReportRow) -> bool:
        """Keep a row; False for one that is there already. Raises NotAReport when that says something else."""
        row = found.row
        values = (
            *(row.transaction_id, line, row.source_id, row.category, row.amount, row.fee, row.currency, row.created),
            *(found.payout_id, found.net),
        )
        if self._database.execute(_INSERT, values).rowcount:
            return True
        (earlier,) = self._select(_BY_ID, row.transaction_id)
        if earlier != found:
            (first,) = self._database.execute(_LINE_OF, (row.transaction_id,)).fetchone()
            problem = f"{row.transaction_id} is in line {first} too, with other values"
            raise refused_at(self._path, line, None, problem, "give each report by itself, as Stripe made it")
        return False

    def rows(self) -> Iterator[ReportRow]:
        """Give the rows as the file has them."""
        yield from self._select(_ALL)

    def rows_of(self, source_id: BalanceSourceId) -> list[StripeRow]:
        """Return the rows of a source."""
        found = self._select(_OF_SOURCE, source_id)
        return [each.row for each in found]

    def extent(self) -> tuple[int, int, int]:
        """Return how many rows there are, and when the first and the last of them were made, in Unix seconds."""
        count, first, last = self._database.execute("SELECT count(*), min(created), max(created) FROM rows").fetchone()
        return count, first or 0, last or 0

    def paid(self) -> dict[tuple[PayoutId, str], tuple[int, int]]:
        """Return how many transactions each payout pays in each currency, and their net.

        The payout's own rows are not among them, but other payouts' are. One without a source is taken for its own;
        what came back without a source, for another's.
        """
        found: dict[tuple[PayoutId, str], tuple[int, int]] = {}
        for payout_id, currency, net in self._database.execute(_PAID):
            items, sum_ = found.get((payout_id, currency), (0, 0))
            found[payout_id, currency] = (items + 1, sum_ + net)
        return found

    def _select(self, statement: str, *parameters: str) -> Iterator[ReportRow]:
        for *row, payout_id, net in self._database.execute(statement, parameters):
            yield ReportRow(StripeRow(*row), payout_id, net)
