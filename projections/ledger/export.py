"""The ledger as a file for finance: a row for every line, with what its entry says.

`amount` counts the smallest unit as Stripe does; `amount_decimal` is the same as people write it. Rows are read through
a cursor of the server and written in portions: the memory does not grow with the file.
"""

import csv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

from domain.currencies import decimals
from infra.errors import InfraError, WrongOption
from infra.files import whole_file
from infra.postgres.pool import Connection
from projections.ledger.read import StoredLine, lines, prepare_export
from schemas.http.times import timestamp

COLUMNS = (*(field.name for field in fields(StoredLine)), "amount_decimal")
_PORTION = 10_000
_DIGITS, _MOST_DECIMALS = 22, 3


class ExportFormat(StrEnum):
    """What a file can be."""

    CSV = "csv"
    PARQUET = "parquet"


class ExportRefused(InfraError):
    """The file cannot be written; one that was there is as it was."""


class WrongExportTime(ExportRefused, WrongOption):
    """The time ends before it begins."""


class Writer(Protocol):
    """Writes portions of lines into a file."""

    def write(self, portion: Sequence[StoredLine]) -> None:
        """Add some lines."""


class LedgerExport:
    """Writes the ledger into files."""

    async def export(
        self, conn: Connection, output: Path, *, form: ExportFormat, since: Any = None, until: Any = None
    ) -> int:
        """Write every line of a time into a file, the oldest first, and return how many. Raises ExportRefused.

        `since` is inclusive, `until` is not. The file is there when it is whole, not before. One that is there is not
        replaced by one without lines.
        """
        if since is not None and until is not None and since >= until:
            raise WrongExportTime(
                f"the time ends at {timestamp(until)}, which is not after its beginning at {timestamp(since)}: nothing "
                "was written. Remedy: --to later than --from"
            )
        count = 0
        portion: list[StoredLine] = []
        with _refusing(output), whole_file(output) as path:
            with _writer(path, form) as writer:
                async with conn.transaction():
                    await prepare_export(conn)
                    async for line in lines(conn, since=since, until=until):
                        portion.append(line)
                        if len(portion) == _PORTION:
                            writer.write(portion)
                            count += len(portion)
                            portion = []
                writer.write(portion)
                count += len(portion)
            if not count:
                _keep(output, path)
        return count


def _keep(output: Path, empty: Path) -> None:
    """Refuse to replace a file by an empty one."""
    if output.exists() and output.resolve() != empty:
        raise ExportRefused(f"the ledger has no lines of that time; {output} is as it was")


def decimal_amount(line: StoredLine) -> Decimal:
    """Return the amount as people write it: 12.34 for 1234 cents."""
    return Decimal(line.amount).scaleb(-decimals(line.currency))


@contextmanager
def _refusing(output: Path) -> Iterator[None]:
    """Say in words why a file cannot be written."""
    try:
        yield
    except OSError as error:
        raise ExportRefused(f"{output} cannot be written: {error.strerror or error}") from error


@contextmanager
def _writer(path: Path, form: ExportFormat) -> Iterator[Writer]:
    if form is ExportFormat.PARQUET:
        with _parquet_writer(path) as writer:
            yield writer
    else:
        with path.open("w", encoding="utf-8", newline="") as file:
            yield _CsvWriter(file)


class _CsvWriter:
    """RFC 4180, with the names of the columns first."""

    def __init__(self, file: Any) -> None:
        self._rows = csv.writer(file)
        self._rows.writerow(COLUMNS)

    def write(self, portion: Sequence[StoredLine]) -> None:
        self._rows.writerows(
            [
                timestamp(line.at),
                *(getattr(line, name) for name in COLUMNS[1:-1]),
                f"{decimal_amount(line):f}",
            ]
            for line in portion
        )


@contextmanager
def _parquet_writer(path: Path) -> Iterator[Writer]:
    import pyarrow as pa  # noqa: PLC0415 - large, and of use here alone
    from pyarrow import parquet  # noqa: PLC0415

    text = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema(
        [
            pa.field("at", pa.timestamp("us", tz="UTC"), nullable=False),
            pa.field("position", pa.int64(), nullable=False),
            pa.field("number", pa.int16(), nullable=False),
            pa.field("line", pa.int16(), nullable=False),
            pa.field("kind", text, nullable=False),
            pa.field("source_id", pa.string(), nullable=False),
            pa.field("category", text, nullable=False),
            pa.field("payment_id", pa.string()),
            pa.field("account", text, nullable=False),
            pa.field("currency", text, nullable=False),
            pa.field("amount", pa.int64(), nullable=False),
            pa.field("amount_decimal", pa.decimal128(_DIGITS, _MOST_DECIMALS), nullable=False),
        ]
    )

    class ParquetWriter:
        def __init__(self, file: Any) -> None:
            self._file = file

        def write(self, portion: Sequence[StoredLine]) -> None:
            rows = [
                {
                    **{name: getattr(line, name) for name in COLUMNS[:-1]},
                    "payment_id": None if line.payment_id is None else str(line.payment_id),
                    "amount_decimal": decimal_amount(line),
                }
                for line in portion
            ]
            self._file.write_table(pa.Table.from_pylist(rows, schema=schema))

    with parquet.ParquetWriter(path, schema) as file:
        yield ParquetWriter(file)
