"""Stripe's reports as statements: the CSV files that its Dashboard and its Reports API give.

`balance_change_from_activity.itemized`, every row but payouts: https://docs.stripe.com/reports/report-types/balance;
`payout_reconciliation.itemized`, what payouts pay: https://docs.stripe.com/reports/report-types/payout-reconciliation.
How they lie on people's disks: report_file.
"""

import hashlib
import io
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast
from zoneinfo import ZoneInfo

from consumers.reconciliation.plan import RunPlan, Scope
from consumers.reconciliation.statement.report_file.errors import NotAReport, refused
from consumers.reconciliation.statement.report_file.lines import DOWNLOAD_AGAIN, opened
from consumers.reconciliation.statement.report_file.rows import (
    OF_PAYOUTS,
    AmbiguousRow,
    ReportKind,
    ReportRow,
    RowReader,
)
from consumers.reconciliation.statement.report_file.spool import Spool
from consumers.reconciliation.statement.report_file.values import Style
from consumers.reconciliation.statement.statement import Owner
from domain.ids import BalanceSourceId, BalanceTransactionId, PayoutId
from domain.money import SignedMoney
from domain.reconciliation.rows import PayoutSum, StripeRow
from domain.reconciliation.window import Window

__all__ = ["NotAReport", "Report", "ReportKind", "ReportStatement"]

_PAGE = 1_000
_DIGEST_CHARS = 12


@dataclass(kw_only=True)
class Report:
    """A file, and what is known of it as a whole. Its amounts become whole numbers as Stripe counts them.

    The file is read once, to its end, before anything follows from it. `close` throws what was read away.
    """

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
    repeated: int
    """How many rows the file has once more: they count once."""
    paid: dict[PayoutId, tuple[str, int, int]]
    """Of each payout: its currency, how many transactions it pays, and their net."""
    spool: Spool

    @classmethod
    def read(cls, path: Path, *, time_zone: str, kind: ReportKind | None = None) -> "Report":
        """Read a file. Raises NotAReport, with whatever is wrong with it. Its time zone must be one that there is."""
        style, zone = Style(), ZoneInfo(time_zone)
        try:
            try:
                return cls._read(path, RowReader(path=path, kind=kind, zone=zone, style=style), time_zone)
            except AmbiguousRow:
                if not path.is_file():  # a pipe is read once
                    raise
                with path.open("rb", buffering=0) as raw, opened(path, cast("BinaryIO", raw)) as text:
                    RowReader(path=path, kind=kind, zone=zone, style=style).learn(text)
                return cls._read(path, RowReader(path=path, kind=kind, zone=zone, style=style), time_zone)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise refused(path, f"cannot be read: {reason}", "name a file that you may read") from None

    @classmethod
    def _read(cls, path: Path, reader: RowReader, time_zone: str) -> "Report":
        spool = Spool(path)
        repeated = 0
        try:
            with path.open("rb", buffering=0) as raw:
                hashed = _Hashed(cast("BinaryIO", raw))
                with opened(path, cast("BinaryIO", hashed)) as text:
                    for line, row in reader.rows(text):
                        repeated += not spool.add(line, row)
            count, first, last = spool.extent()
            kind = _kind_of_rows(reader, count)
            paid = _paid(path, spool) if kind is ReportKind.PAYOUTS else {}
        except BaseException:
            spool.close()
            raise
        return cls(
            path=path,
            kind=kind,
            time_zone=time_zone,
            name=f"{_file_name(path)} {hashed.digest.hexdigest()[:_DIGEST_CHARS]}",
            first=first,
            last=last,
            rows_in_all=count,
            repeated=repeated,
            paid=paid,
            spool=spool,
        )

    def close(self) -> None:
        """Throw what was read away."""
        self.spool.close()

    def plan(self, *, cutoff_s: int, now: int) -> RunPlan:
        """Return what a run of it compares.

        It does not say whether it is complete before its first row and after its last: what the ledger has near to them
        is no difference.
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
        return RunPlan(
            scope=Scope(
                window=window,
                without=OF_PAYOUTS if self.kind is ReportKind.ACTIVITY else (),
                staged_sources_only=self.kind is ReportKind.PAYOUTS,
            ),
            can_look_up=False,
        )

    @property
    def last_day(self) -> date:
        """The day of its last row."""
        return datetime.fromtimestamp(self.last, ZoneInfo(self.time_zone)).date()

    def records(self) -> Iterator[ReportRow]:
        """Give each row with the payout that pays it, and its net."""
        return self.spool.rows()


SourcesOf = Callable[[Sequence[BalanceTransactionId]], Awaitable[Mapping[BalanceTransactionId, BalanceSourceId]]]


async def _no_sources(_: Sequence[BalanceTransactionId]) -> Mapping[BalanceTransactionId, BalanceSourceId]:
    return {}


def _has_no_source(row: StripeRow) -> bool:
    """Whether a row is its own source."""
    return str(row.source_id) == str(row.transaction_id)


@dataclass(kw_only=True)
class ReportStatement:
    """`StripeStatement` of a report. It knows its own rows alone: nothing can be looked up in it.

    `ledger_payouts` gives the amounts of payouts as the ledger has them by then, which what they pay is compared with;
    `sources_of` what balance transactions are of, as the log has it: by default a report does not say so.
    """

    report: Report
    ledger_payouts: Callable[[], Awaitable[Mapping[PayoutId, int]]]
    sources_of: SourcesOf = _no_sources

    async def rows(self, first: int, last: int) -> AsyncIterator[Sequence[StripeRow]]:
        """Give the rows of the file."""
        rows = (each.row for each in self.report.records() if first <= each.row.created < last)
        while page := list(islice(rows, _PAGE)):
            unknown = [row.transaction_id for row in page if _has_no_source(row)]
            sources = await self.sources_of(unknown) if unknown else {}
            yield [row._replace(source_id=sources.get(row.transaction_id, row.source_id)) for row in page]

    async def payouts(self, first: int, last: int) -> AsyncIterator[PayoutSum]:  # noqa: ARG002 - as StripeStatement has it
        """Give the payouts of the file; of one that the ledger does not know, it has paid nothing."""
        ledger_payouts = await self.ledger_payouts()
        for payout_id, (currency, items, net) in sorted(self.report.paid.items()):
            yield PayoutSum(
                payout_id=payout_id,
                amount=SignedMoney(amount_cents=ledger_payouts.get(payout_id, 0), currency=currency),
                created=self.report.last,
                items=items,
                items_net=SignedMoney(amount_cents=net, currency=currency),
                final=True,
            )

    async def rows_of(self, source_id: BalanceSourceId) -> Sequence[StripeRow]:
        """Return the rows of a source."""
        return self.report.spool.rows_of(source_id)

    async def transaction(self, transaction_id: BalanceTransactionId) -> Mapping[str, Any] | None:  # noqa: ARG002
        """Return nothing: a report has none of them."""
        return None

    async def payout(self, payout_id: PayoutId) -> PayoutSum | None:  # noqa: ARG002
        """Return nothing: a report has none of them."""
        return None

    async def owner_of(self, source_id: BalanceSourceId) -> Owner | None:  # noqa: ARG002
        """Return nothing: a report has none of them."""
        return None


def _file_name(path: Path) -> str:
    """Return the name of a file as text, also of one whose name is none."""
    return path.name.encode("utf-8", "backslashreplace").decode()


class _Hashed(io.RawIOBase):
    """A file that is read, and what is in it as a number."""

    def __init__(self, raw: BinaryIO) -> None:
        self._raw = raw
        self.digest = hashlib.sha256()

    def readable(self) -> bool:
        """Whether it can be read: it can."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer."""
        count: int = self._raw.readinto(buffer)  # type: ignore[attr-defined]  # of a file without a buffer
        self.digest.update(memoryview(buffer)[:count])
        return count


def _kind_of_rows(reader: RowReader, count: int) -> ReportKind:
    if reader.kind is None or not count:
        raise refused(reader.path, "has no rows", DOWNLOAD_AGAIN)
    return reader.kind


def _paid(path: Path, spool: Spool) -> dict[PayoutId, tuple[str, int, int]]:
    paid: dict[PayoutId, tuple[str, int, int]] = {}
    for (payout_id, currency), (items, net) in spool.paid().items():
        if payout_id in paid:
            problem = (
                f"has transactions of {payout_id} in {paid[payout_id][0]} and {currency}: a payout has one currency"
            )
            raise refused(path, problem, DOWNLOAD_AGAIN)
        paid[payout_id] = (currency, items, net)
    return paid
