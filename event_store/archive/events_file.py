"""The Parquet file of an archive: each event as the database has it, and its index in the tree of the proofs."""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import compute, parquet

from event_store.archive.errors import ArchiveDiffers
from event_store.proofs.statement import EventRow
from schemas.http.times import end_of_moment

GROUP = 5_000
"""Events in a row group: what is read at once."""
_TEXT = pa.dictionary(pa.int32(), pa.string())
_COLUMNS = (
    *(("position", pa.int64()), ("event_id", pa.string()), ("stream_id", pa.string()), ("version", pa.int64())),
    *(("category", _TEXT), ("type", _TEXT), ("schema_version", pa.int32())),
    *(("recorded_at", pa.timestamp("us", tz="UTC")), ("data", pa.string()), ("metadata", pa.string())),
)
_OF_ROW = [name for name, _ in _COLUMNS]
SCHEMA = pa.schema(
    [*(pa.field(name, kind, nullable=False) for name, kind in _COLUMNS), pa.field("index", pa.int64(), nullable=False)]
)
"""The columns of the log, and `index`."""


class EventsFileWriter:
    """Writes events in the order of positions, in constant memory."""

    def __init__(self, path: Path, first_index: int) -> None:
        self._file = parquet.ParquetWriter(path, SCHEMA, compression="zstd", use_dictionary=["category", "type"])
        self._index = first_index
        self._pending: list[EventRow] = []

    def add(self, rows: Sequence[EventRow]) -> None:
        """Add the next events."""
        self._pending += rows
        while len(self._pending) >= GROUP:
            self._write(self._pending[:GROUP])
            del self._pending[:GROUP]

    def close(self) -> None:
        """Write what is left. The caller has the file synced."""
        if self._pending:
            self._write(self._pending)
        self._file.close()

    def abandon(self) -> None:
        """Let go of a file that does not become whole."""
        self._file.close()

    def _write(self, rows: Sequence[EventRow]) -> None:
        columns: dict[str, Any] = dict(zip(_OF_ROW, map(list, zip(*rows, strict=True)), strict=True))
        columns["recorded_at"] = pa.array(columns["recorded_at"], pa.string()).cast(SCHEMA.field("recorded_at").type)
        columns["index"] = list(range(self._index, self._index + len(rows)))
        self._index += len(rows)
        self._file.write_table(pa.table(columns, schema=SCHEMA), row_group_size=GROUP)


class EventsFile:
    """Reads such a file, a row group at a time. Its methods block. Raises ArchiveDiffers when it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with _reading(path):
            self._file = parquet.ParquetFile(path)
            if self._file.schema_arrow != SCHEMA:
                raise ArchiveDiffers(f"{path} has other columns than an archive of the log")
            groups = [self._file.metadata.row_group(number) for number in range(self._file.num_row_groups)]
            positions, moments = SCHEMA.get_field_index("position"), SCHEMA.get_field_index("recorded_at")
            self._last = [group.column(positions).statistics.max for group in groups]
            self._earliest: list[datetime] = [group.column(moments).statistics.min for group in groups]
        self._cached: tuple[int, list[EventRow]] | None = None

    @property
    def events(self) -> int:
        """How many events it has."""
        return int(self._file.metadata.num_rows)

    def rows_after(self, position: int) -> list[EventRow]:
        """Return the events behind a position that are in one group; none: there are none behind it."""
        number = bisect_left(self._last, position + 1)
        if number == len(self._last):
            return []
        rows = self._rows(number)
        return rows[bisect_left(rows, position + 1, key=lambda row: row[0]) :]

    def groups(self) -> Iterator[tuple[list[EventRow], list[int]]]:
        """Give all events with their indexes."""
        for number in range(len(self._last)):
            with _reading(self.path):
                table = self._file.read_row_group(number)
            yield _rows_of(table), table.column("index").to_pylist()

    def position_at(self, moment: datetime) -> int:
        """Return the last position that was recorded at a moment or before, as the log has it; 0: none was."""
        moment = end_of_moment(moment)
        for number in reversed(range(len(self._last))):
            if self._earliest[number] > moment:
                continue
            with _reading(self.path):
                table = self._file.read_row_group(number, columns=["position", "recorded_at"])
            found = table.filter(compute.field("recorded_at") <= pa.scalar(moment, SCHEMA.field("recorded_at").type))
            if found.num_rows:
                return int(compute.max(found.column("position")).as_py())
        return 0

    def rows_where(self, column: str, value: str) -> Iterator[list[EventRow]]:
        """Give the events that have a value in a column of text, a group's at a time. Reads that column of all."""
        for number in range(len(self._last)):
            with _reading(self.path):
                found = self._file.read_row_group(number, columns=[column]).column(column)
                if compute.any(compute.equal(found.cast(pa.string()), value)).as_py():
                    table = self._file.read_row_group(number)
                    yield _rows_of(table.filter(compute.equal(table.column(column).cast(pa.string()), value)))

    def _rows(self, number: int) -> list[EventRow]:
        if self._cached is None or self._cached[0] != number:
            with _reading(self.path):
                self._cached = number, _rows_of(self._file.read_row_group(number))
        return self._cached[1]


def _rows_of(table: pa.Table) -> list[EventRow]:
    moments = table.column("recorded_at").cast(pa.timestamp("us"))
    columns = [table.column(name).to_pylist() for name in _OF_ROW]
    columns[_OF_ROW.index("recorded_at")] = compute.strftime(moments, format="%Y-%m-%dT%H:%M:%SZ").to_pylist()
    return list(zip(*columns, strict=True))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise ArchiveDiffers(f"{path} is not there") from None
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise ArchiveDiffers(f"{path} cannot be read: {error}") from error
