"""Stripe's reports as books: the CSV files that its Dashboard and its Reports API give.

`balance_change_from_activity.itemized`, every row but payouts: https://docs.stripe.com/reports/report-types/balance;
`payout_reconciliation.itemized`, what payouts pay: https://docs.stripe.com/reports/report-types/payout-reconciliation.
Amounts are in major units of the currency; dates are like 2026-05-01 12:00:00.
"""

import csv
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from consumers.reconciliation.books import Owner
from consumers.reconciliation.compare import Scope
from consumers.reconciliation.reconciler import Plan
from domain.currencies import decimals
from domain.reconciliation import PayoutSum, StripeRow, Window

_PAGE = 1_000
_NEEDED = ("balance_transaction_id", "currency", "gross", "fee", "net", "reporting_category")
_PAYOUT = "automatic_payout_id"
_CREATED_UTC, _CREATED = "created_utc", "created"
_OF_PAYOUTS = ("payout", "payout_reversal")
_DIGEST_CHARS = 12


class ReportKind(StrEnum):
    """Which of Stripe's reports a file is."""

    ACTIVITY = "activity"
    PAYOUTS = "payouts"


class NotAReport(Exception):
    """A file that is none of the reports, or has a row that cannot be read; the text is for people."""


@dataclass(kw_only=True)
class Report:
    """A file, and what is known of it as a whole. Its amounts become whole numbers as Stripe counts them."""

    path: Path
    kind: ReportKind
    time_zone: str
    """Of the column `created`, where the file has no `created_utc`."""
    name: str
    """Its name and what is in it: the same file is the same report, wherever it lies."""
    first: int
    last: int
    """When its first and its last row were made, in Unix seconds."""
    rows_in_all: int
    paid: dict[str, tuple[str, int, int]]
    """Of each payout: its currency, how many transactions it pays, and their net."""

    @classmethod
    def read(cls, path: Path, *, time_zone: str, kind: ReportKind | None = None) -> "Report":
        """Read a file once. Raises NotAReport or OSError."""
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
        report = cls(
            path=path,
            kind=kind or _kind_of(path),
            time_zone=time_zone,
            name=f"{path.name} {digest.hexdigest()[:_DIGEST_CHARS]}",
            first=0,
            last=0,
            rows_in_all=0,
            paid={},
        )
        report._look_through()
        return report

    def plan(self, *, cutoff_s: int, now: int) -> Plan:
        """Return what a run of it compares.

        Whether the books were open before its first row and after its last, it does not say: what the ledger has near
        to them is not held against it.
        """
        window = Window(
            date=self.last_day,
            start=self.first,
            end=self.last + 1,
            cutoff=cutoff_s,
            now=now,
            time_zone=self.time_zone,
            edge=cutoff_s,
        )
        return Plan(
            scope=Scope(
                window=window,
                without=_OF_PAYOUTS if self.kind is ReportKind.ACTIVITY else (),
                staged_sources_only=self.kind is ReportKind.PAYOUTS,
            ),
            thorough=False,
        )

    @property
    def last_day(self) -> date:
        """The day of its last row."""
        return datetime.fromtimestamp(self.last, ZoneInfo(self.time_zone)).date()

    def records(self) -> Iterator[tuple[StripeRow, str, int]]:
        """Give each row with the payout that pays it, and its net. Raises NotAReport."""
        with self.path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            _check_header(self.path, reader.fieldnames or ())
            for record in reader:
                try:
                    yield self._row(record)
                except (KeyError, TypeError, ValueError, InvalidOperation) as error:
                    raise NotAReport(f"{self.path.name}, line {reader.line_num}: {error}") from None

    def _row(self, record: dict[str, str]) -> tuple[StripeRow, str, int]:
        currency, transaction_id = record["currency"].upper(), record["balance_transaction_id"]
        if not transaction_id or not currency:
            raise ValueError("it has no balance_transaction_id or no currency")
        row = StripeRow(
            source_id=record.get("source_id") or transaction_id,
            category=record["reporting_category"],
            transaction_id=transaction_id,
            amount=_amount(record["gross"], currency),
            fee=_amount(record["fee"], currency),
            currency=currency,
            created=self._created(record),
        )
        net = _amount(record["net"], currency)
        if net != row.amount - row.fee:
            raise ValueError("its net is not gross less fee")
        return row, record.get(_PAYOUT) or "", net

    def _created(self, record: dict[str, str]) -> int:
        if text := record.get(_CREATED_UTC):
            return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())
        return int(datetime.fromisoformat(record[_CREATED]).replace(tzinfo=ZoneInfo(self.time_zone)).timestamp())

    def _look_through(self) -> None:
        moments: list[int] = []
        for row, payout_id, net in self.records():
            moments = [min(*moments, row.created), max(*moments, row.created)] if moments else [row.created] * 2
            self.rows_in_all += 1
            if self.kind is ReportKind.PAYOUTS and payout_id and row.category not in _OF_PAYOUTS:
                currency, items, paid = self.paid.get(payout_id, (row.currency, 0, 0))
                self.paid[payout_id] = (currency, items + 1, paid + net)
        if not moments:
            raise NotAReport(f"{self.path.name} has no rows")
        self.first, self.last = moments


@dataclass(kw_only=True)
class ReportBooks:
    """`StripeBooks` of a report. It knows its own rows alone: nothing can be looked up in it.

    `paid_out` gives the amounts of payouts as the ledger has them by then, which what they pay is compared with.
    """

    report: Report
    paid_out: Callable[[], Awaitable[Mapping[str, int]]]

    async def rows(self, first: int, last: int) -> AsyncIterator[Sequence[StripeRow]]:
        """Give the rows of the file."""
        wanted = (row for row, _, _ in self.report.records() if first <= row.created < last)
        while page := list(islice(wanted, _PAGE)):
            yield page

    async def payouts(self, first: int, last: int) -> AsyncIterator[PayoutSum]:  # noqa: ARG002 - as StripeBooks has it
        """Give the payouts of the file; of one that the ledger does not know, it has paid nothing."""
        paid_out = await self.paid_out()
        for payout_id, (currency, items, net) in sorted(self.report.paid.items()):
            yield PayoutSum(
                payout_id=payout_id,
                amount=paid_out.get(payout_id, 0),
                currency=currency,
                created=self.report.last,
                items=items,
                items_net=net,
                final=True,
            )

    async def rows_of(self, source_id: str) -> Sequence[StripeRow]:
        """Return the rows of a source."""
        return [row for row, _, _ in self.report.records() if row.source_id == source_id]

    async def transaction(self, transaction_id: str) -> Mapping[str, Any] | None:  # noqa: ARG002
        """Return nothing: it is never asked for."""
        return None

    async def payout(self, payout_id: str) -> PayoutSum | None:  # noqa: ARG002
        """Return nothing: it is never asked for."""
        return None

    async def owner_of(self, source_id: str) -> Owner | None:  # noqa: ARG002
        """Return nothing: it is never asked for."""
        return None


def _kind_of(path: Path) -> ReportKind:
    """Tell the two by their first column; `--kind` says so where the columns were chosen by hand."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        header = next(csv.reader(file), [])
    _check_header(path, header)
    return ReportKind.PAYOUTS if header[0] == _PAYOUT else ReportKind.ACTIVITY


def _check_header(path: Path, header: Sequence[str]) -> None:
    lacking = [name for name in _NEEDED if name not in header]
    if _CREATED not in header and _CREATED_UTC not in header:
        lacking.append(_CREATED_UTC)
    if lacking:
        raise NotAReport(
            f"{path.name} is none of Stripe's reports balance_change_from_activity.itemized and "
            f"payout_reconciliation.itemized: it lacks the columns {', '.join(lacking)}"
        )


def _amount(text: str, currency: str) -> int:
    """Return an amount in the currency's smallest unit as Stripe counts it. Raises ValueError or InvalidOperation."""
    number = text.strip()
    if "," in number and "." not in number:  # the parameter decimal_separator
        number = number.replace(",", ".")
    scaled = Decimal(number).scaleb(decimals(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{text} is no amount of {currency}")
    return int(scaled)
