"""The rows of a report, each with what is wanted of it. Columns are found by name, in any order and case.

The columns that Stripe gives by default have no `source_id`: https://docs.stripe.com/reports/report-types/balance and
https://docs.stripe.com/reports/report-types/payout-reconciliation. Amounts are in major units of the currency.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, timezone
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, TextIO, TypeVar
from zoneinfo import ZoneInfo

from consumers.reconciliation.statement.report_file.errors import NotAReport, column_of, refused, refused_at, shown
from consumers.reconciliation.statement.report_file.lines import DOWNLOAD_AGAIN, Record, records
from consumers.reconciliation.statement.report_file.totals import AMOUNTS, Totals, is_total_word
from consumers.reconciliation.statement.report_file.values import (
    Ambiguous,
    Style,
    Unreadable,
    amount_of,
    category_of,
    currency_of,
    id_of,
    moment_of,
)
from domain.ids import BalanceSourceId, BalanceTransactionId, PayoutId
from domain.reconciliation.rows import StripeRow

T = TypeVar("T")

OF_PAYOUTS = ("payout", "payout_reversal")

_ID, _CURRENCY, _CATEGORY = "balance_transaction_id", "currency", "reporting_category"
_NEEDED = (_ID, _CURRENCY, *AMOUNTS, _CATEGORY)
_PAYOUT, _SOURCE, _CHARGE = "automatic_payout_id", "source_id", "charge_id"
_CREATED_UTC, _CREATED = "created_utc", "created"
_USED = frozenset({*_NEEDED, _PAYOUT, _SOURCE, _CHARGE, _CREATED_UTC, _CREATED})

_OTHERS: Sequence[tuple[frozenset[str], str]] = (
    (frozenset({"connected_account", "gross"}), "a report of connected accounts, whose money is not this account's"),
    (frozenset({"payout_id", "gross"}), "Stripe's report payouts.itemized: payouts, without what they pay"),
    (frozenset({"reporting_category", "count"}), "a summary from Stripe, without single rows"),
    (frozenset({"category", "net_amount"}), "Stripe's report balance.summary, without single rows"),
    (frozenset({"id", "type", "source", "net"}), "an export of Stripe's Dashboard: Balances, All activity"),
    (frozenset({"id", "amount", "amount_refunded"}), "an export of Stripe's Dashboard: Payments"),
)
_ENDING = "ending_balance"
_REPORTS = "balance_change_from_activity.itemized and payout_reconciliation.itemized"
_GET_ONE = "download `Balance change from activity` or `Payout reconciliation` from Stripe, itemized, as CSV"


class ReportKind(StrEnum):
    """Which of Stripe's reports a file is."""

    ACTIVITY = "activity"
    PAYOUTS = "payouts"


class ReportRow(NamedTuple):
    """A row of a report, the payout that pays it ('': none), and its net."""

    row: StripeRow
    payout_id: PayoutId
    net: int


class AmbiguousRow(NotAReport):
    """A row with a value that reads in two ways, as far as the file was read."""


@dataclass(kw_only=True)
class RowReader:
    """Reads one file once; what it learned of the file's style is for another that reads it again."""

    path: Path
    kind: ReportKind | None
    """None until the header has told it."""
    zone: ZoneInfo
    """Of the column `created`, where the file has no `created_utc`."""
    style: Style
    _names: list[str] = field(default_factory=list)
    _columns: dict[str, int] = field(default_factory=dict)
    _totals: Totals = field(default_factory=Totals)

    def rows(self, text: TextIO) -> Iterator[tuple[int, ReportRow]]:
        """Give each row with the line on which it begins. Raises NotAReport, and of them AmbiguousRow."""
        for record in records(self.path, text):
            if not self._names:
                self._take_header(record)
            elif self._is_header(record) or self._is_total(record):
                continue
            else:
                self._check_place(record)
                found = self._row(record)
                row = found.row
                self._totals.add(row.currency, gross=row.amount, fee=row.fee, net=found.net)
                yield record.line, found

    def learn(self, text: TextIO) -> None:
        """Read a file for its style alone. Raises NotAReport."""
        for record in records(self.path, text):
            if not self._names:
                self._take_header(record)
            elif not self._is_header(record) and self._text(record, _CATEGORY).strip():
                currency = self._read(record, _CURRENCY, currency_of)
                for name in AMOUNTS:
                    with suppress(AmbiguousRow):
                        self._amount(record, name, currency)
                with suppress(AmbiguousRow):
                    self._created(record)

    def _take_header(self, record: Record) -> None:
        names = [_normal(name) for name in record.fields]
        lacking = [name for name in _NEEDED if name not in names]
        if _CREATED not in names and _CREATED_UTC not in names:
            lacking.append(_CREATED_UTC)
        for columns, what in _OTHERS:
            if columns <= set(names) and (lacking or "connected_account" in columns):
                raise refused(self.path, f"is {what}", _GET_ONE)
        if lacking:
            raise refused(
                self.path,
                f"is none of Stripe's reports {_REPORTS}: it lacks the columns {', '.join(lacking)}",
                _GET_ONE,
            )
        if _ENDING in _normal(self.path.name):
            raise refused(self.path, "is Stripe's report ending_balance_reconciliation: of no whole time", _GET_ONE)
        for name in sorted(_USED):
            if names.count(name) > 1:
                raise refused_at(
                    self.path, record.line, column_of(names.index(name), name), "it is there twice", DOWNLOAD_AGAIN
                )
        if self.kind is None:
            self.kind = ReportKind.PAYOUTS if names[0] == _PAYOUT else ReportKind.ACTIVITY
        if self.kind is ReportKind.PAYOUTS and _PAYOUT not in names:
            raise refused(self.path, f"is no payout report: it lacks the column {_PAYOUT}", _GET_ONE)
        self._names = names
        self._columns = {name: names.index(name) for name in _USED if name in names}

    def _is_header(self, record: Record) -> bool:
        """Whether another download begins here, pasted below the first. Raises NotAReport when it has other columns."""
        if not self._text(record, AMOUNTS[0]).strip(' "')[:1].isalpha():  # as nearly every row: its amount is a number
            return False
        names = [_normal(name) for name in record.fields]
        if _ID not in names:
            return False
        if names != self._names:
            problem = "another report begins here, with other columns"
            raise refused_at(self.path, record.line, None, problem, "give each report by itself")
        return True

    def _is_total(self, record: Record) -> bool:
        """Whether it is a total. Raises NotAReport when it is not that of the rows above."""
        label = next(each for each in record.fields if each.strip())
        is_named = is_total_word(label)
        if not is_named and (self._text(record, _ID).strip() or self._text(record, _CATEGORY).strip()):
            return False
        amounts = [name for name in AMOUNTS if self._text(record, name).strip()]
        if not is_named and not amounts:
            return False
        self._totals.line = record.line
        currency = self._totals.only_currency()
        if self._text(record, _CURRENCY).strip():
            currency = self._read(record, _CURRENCY, currency_of)
        if currency is None:
            if is_named:
                return True  # of several currencies: nobody can say what it should be
            raise self._refused(record, _ID, "there is no id", DOWNLOAD_AGAIN)
        for name in amounts:
            total = self._amount(record, name, currency)
            found = self._totals.sum_of(currency, name)
            if total != found:
                problem = f"it is a total of {shown(self._text(record, name))}, and the rows above come to another one"
                raise self._refused(record, name, problem, f"rows may be missing: {DOWNLOAD_AGAIN}")
        return True

    def _check_place(self, record: Record) -> None:
        fields, columns = record.fields, len(self._names)
        if len(fields) < columns or any(each.strip() for each in fields[columns:]):
            problem = f"it has {len(fields)} fields, and the header has {columns}"
            raise refused_at(self.path, record.line, column_of(len(fields) - 1), problem, DOWNLOAD_AGAIN)
        if self._totals.line is not None:
            problem = f"a row stands below the total in line {self._totals.line}"
            raise refused_at(self.path, record.line, None, problem, "give each report by itself")

    def _row(self, record: Record) -> ReportRow:
        transaction_id = self._read(record, _ID, id_of)
        currency = self._read(record, _CURRENCY, currency_of)
        category = self._read(record, _CATEGORY, category_of)
        gross, fee, net = (self._amount(record, name, currency) for name in AMOUNTS)
        if net != gross - fee:
            texts = " - ".join(shown(self._text(record, name).strip()) for name in ("gross", "fee"))
            problem = f"{shown(self._text(record, 'net').strip())}: net is not gross less fee, {texts}"
            raise self._refused(record, "net", problem, DOWNLOAD_AGAIN)
        if self.kind is ReportKind.ACTIVITY and category in OF_PAYOUTS:
            problem = f"{category} is a category that `Balance change from activity` does not have"
            raise self._refused(record, _CATEGORY, problem, _GET_ONE)
        row = StripeRow(
            source_id=BalanceSourceId(self._source(record, category) or transaction_id),
            category=category,
            transaction_id=BalanceTransactionId(transaction_id),
            amount=gross,
            fee=fee,
            currency=currency,
            created=self._created(record),
        )
        return ReportRow(row, PayoutId(self._optional_id(record, _PAYOUT)), net)

    def _source(self, record: Record, category: str) -> str:
        """Return what the row is of, as far as the report says; by default it does not."""
        return self._optional_id(record, _SOURCE) or (
            self._optional_id(record, _CHARGE) if category == "charge" else ""
        )

    def _optional_id(self, record: Record, name: str) -> str:
        return self._read(record, name, id_of) if self._text(record, name).strip() else ""

    def _created(self, record: Record) -> int:
        name, zone = _CREATED_UTC, UTC
        if not self._text(record, name).strip() and _CREATED in self._columns:
            return self._moment(record, _CREATED, self.zone)
        return self._moment(record, name, zone)

    def _moment(self, record: Record, name: str, zone: ZoneInfo | timezone) -> int:
        return self._read(record, name, lambda text: moment_of(text, zone, self.style))

    def _amount(self, record: Record, name: str, currency: str) -> int:
        return self._read(record, name, lambda text: amount_of(text, currency, self.style))

    def _text(self, record: Record, name: str) -> str:
        index = self._columns.get(name)
        return "" if index is None or index >= len(record.fields) else record.fields[index]

    def _read(self, record: Record, name: str, read: Callable[[str], T]) -> T:
        try:
            return read(self._text(record, name))
        except Unreadable as error:
            refusal = self._refused(record, name, error.problem, error.remedy)
            raise (AmbiguousRow(str(refusal)) if isinstance(error, Ambiguous) else refusal) from None

    def _refused(self, record: Record, name: str, problem: str, remedy: str) -> NotAReport:
        return refused_at(self.path, record.line, column_of(self._columns[name], name), problem, remedy)


def _normal(name: str) -> str:
    """Return the name of a column as the Reports API has it: `Created (UTC)` is created_utc."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
