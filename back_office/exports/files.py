"""Rows as a file, a portion at a time: the memory does not grow with the file."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from back_office.exports.tables import Kind, Value

Format = Literal["csv", "parquet"]
FORMATS: Mapping[Format, str] = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}

Portions = AsyncIterator[Sequence[Sequence[Value]]]

_GROUP_ROWS = 10_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def as_file(form: Format, columns: Mapping[str, Kind], portions: Portions) -> AsyncIterator[bytes]:
    """Give the bytes of the file as they come."""
    return _parquet(columns, portions) if form == "parquet" else _csv(columns, portions)


async def _csv(columns: Mapping[str, Kind], portions: Portions) -> AsyncIterator[bytes]:
    """Write RFC 4180, with the names of the columns first."""
    yield _lines([list(columns)])
    texts = [kind == "text" and not name.startswith("amount") for name, kind in columns.items()]
    async for portion in portions:
        if portion:
            yield _lines([[_cell(*each) for each in zip(row, texts, strict=True)] for row in portion])


def _cell(value: Value, is_text: bool) -> Value:
    """Return what stands in a cell. Text that a spreadsheet would carry out gets an apostrophe before it.

    https://owasp.org/www-community/attacks/CSV_Injection
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if is_text and isinstance(value, str) and value.startswith(_FORMULA) else value


def _lines(rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


async def _parquet(columns: Mapping[str, Kind], portions: Portions) -> AsyncIterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415 - large, and of use here alone
    from pyarrow import parquet  # noqa: PLC0415

    types = {"text": pa.string(), "integer": pa.int64(), "moment": pa.timestamp("ms", tz="UTC"), "boolean": pa.bool_()}
    schema = pa.schema([pa.field(name, types[kind]) for name, kind in columns.items()])
    sink = _Sink()
    waiting: list[Sequence[Value]] = []

    def group() -> Any:
        values = [[_parsed(row[number], kind) for row in waiting] for number, kind in enumerate(columns.values())]
        arrays = [pa.array(each, type=field.type) for each, field in zip(values, schema, strict=True)]
        return pa.Table.from_arrays(arrays, schema=schema)

    with parquet.ParquetWriter(sink, schema) as file:
        async for portion in portions:
            waiting += portion
            if len(waiting) >= _GROUP_ROWS:
                file.write_table(group())
                waiting.clear()
                yield sink.take()
        if waiting:
            file.write_table(group())
    yield sink.take()


def _parsed(value: Value, kind: Kind) -> Any:
    return datetime.fromisoformat(value) if kind == "moment" and isinstance(value, str) else value


class _Sink(io.RawIOBase):
    """What was written since it was last taken. A Parquet file is written from its beginning to its end."""

    def __init__(self) -> None:
        super().__init__()
        self._written = bytearray()
        self._taken = 0

    def writable(self) -> bool:
        """Whether it can be written: it can."""
        return True

    def write(self, data: Any) -> int:
        """Keep some bytes."""
        view = bytes(data)
        self._written += view
        return len(view)

    def tell(self) -> int:
        """Return how much was written in all."""
        return self._taken + len(self._written)

    def take(self) -> bytes:
        """Return what is new."""
        new = bytes(self._written)
        self._taken += len(new)
        self._written.clear()
        return new
