"""Writes events into a file that is there when it is whole; what was cut short goes on where it stopped.

Until then the events lie beside it in parts, each written and synced before it gets its name, which says up to which
position it reaches. A part is as large as what a kill may cost.
"""

import csv
import io
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from event_store.replay.reading import Run, Selection
from infra.errors import InfraError, WrongOption
from infra.files import whole_file
from schemas.envelope import RecordedEvent

PART = 25_000
"""Events in a part."""
COLUMNS = (
    *("position", "event_id", "stream_id", "version", "category", "type", "schema_version", "recorded_at"),
    *("data", "metadata"),
)
_SELECTION = "selection.json"


class FileFormat(StrEnum):
    """What a file can be, by the end of its name."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


class ReplayRefused(InfraError):
    """The events cannot be written there; nothing was changed."""


class WrongReplayOption(ReplayRefused, WrongOption):
    """What was asked for makes no sense, whatever the log has."""


def format_of(output: Path) -> FileFormat:
    """Return the format that a file's name asks for. Raises ReplayRefused."""
    try:
        return FileFormat(output.suffix.removeprefix("."))
    except ValueError:
        endings = ", ".join(f".{each}" for each in FileFormat)
        raise WrongReplayOption(f"{output} must end in one of {endings}") from None


class EventFile:
    """A file that is written in parts; `position` is how far those reach that are there already."""

    def __init__(
        self, output: Path, selection: Selection, *, options: Mapping[str, Any] | None = None, part: int = PART
    ) -> None:
        """Take up what is there. Raises ReplayRefused when that is of another selection, or the place is taken.

        `options`: what else the parts depend on.
        """
        self._output = output
        self._form = format_of(output)
        self._part = part
        self._folder = output.with_name(f".{output.name}.parts")
        self._pending: list[RecordedEvent] = []
        self.count = 0
        if output.exists():
            raise ReplayRefused(f"{output} is there already. Remedy: remove it, or choose another name")
        self._take_up({**selection.as_json(), **(options or {})})
        self.position = max((_reaches(each) for each in self._parts()), default=selection.after)

    def add(self, run: Run) -> None:
        """Add the events of the next run."""
        self._pending += run.events
        self.count += len(run.events)
        if len(self._pending) >= self._part:
            self._write_part(run.position)
        self.position = run.position

    def finish(self) -> None:
        """Make the file of its parts, and remove those."""
        if self._pending or not self._parts():
            self._write_part(self.position)
        with whole_file(self._output) as path:
            _JOIN[self._form](self._parts(), path)
        shutil.rmtree(self._folder)

    def _take_up(self, selection: Mapping[str, Any]) -> None:
        kept = self._folder / _SELECTION
        requested = json.dumps(selection, sort_keys=True)
        if not kept.exists():
            self._folder.mkdir(exist_ok=True)
            with whole_file(kept) as path:
                path.write_text(requested, encoding="utf-8")
        elif kept.read_text(encoding="utf-8") != requested:
            raise ReplayRefused(
                f"{self._folder} has parts of another selection: {kept.read_text(encoding='utf-8')}. Remedy: ask for "
                "the same again to go on, or remove that folder"
            )

    def _parts(self) -> list[Path]:
        return sorted(self._folder.glob(f"[0-9]*.{self._form}"), key=_reaches)

    def _write_part(self, position: int) -> None:
        with whole_file(self._folder / f"{position:020}.{self._form}") as path:
            _WRITE[self._form](self._pending, path)
        self._pending = []


def kept_selection(output: Path) -> dict[str, Any] | None:
    """Return the selection whose parts lie beside a file, if there are any."""
    kept = output.with_name(f".{output.name}.parts") / _SELECTION
    return json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else None


def _reaches(part: Path) -> int:
    return int(part.stem)


def as_json(event: RecordedEvent) -> dict[str, Any]:
    """Return an event as a line of JSON has it: data and metadata as they were recorded."""
    return {
        "position": event.position,
        "event_id": event.event_id,
        "stream_id": event.stream_id,
        "version": event.version,
        "category": event.category,
        "type": event.type,
        "schema_version": event.schema_version,
        "recorded_at": event.recorded_at,
        "data": orjson.Fragment(event.data),
        "metadata": event.metadata.to_dict(),
    }


def _row(event: RecordedEvent) -> list[Any]:
    metadata = orjson.dumps(event.metadata.to_dict()).decode()
    head = [event.position, str(event.event_id), str(event.stream_id), event.version, event.category, event.type]
    return [*head, event.schema_version, event.recorded_at.isoformat(), event.data.decode(), metadata]


def _write_jsonl(events: Sequence[RecordedEvent], path: Path) -> None:
    with path.open("wb") as file:
        file.writelines(
            orjson.dumps(as_json(event), option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z) for event in events
        )


def _write_csv(events: Sequence[RecordedEvent], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(map(_row, events))


def _write_parquet(events: Sequence[RecordedEvent], path: Path) -> None:
    import pyarrow as pa  # noqa: PLC0415 - large, and of use here alone
    from pyarrow import parquet  # noqa: PLC0415

    text = pa.dictionary(pa.int32(), pa.string())
    schema = pa.schema(
        [
            pa.field("position", pa.int64(), nullable=False),
            pa.field("event_id", pa.string(), nullable=False),
            pa.field("stream_id", pa.string(), nullable=False),
            pa.field("version", pa.int64(), nullable=False),
            pa.field("category", text, nullable=False),
            pa.field("type", text, nullable=False),
            pa.field("schema_version", pa.int32(), nullable=False),
            pa.field("recorded_at", pa.timestamp("us", tz="UTC"), nullable=False),
            pa.field("data", pa.string(), nullable=False),
            pa.field("metadata", pa.string(), nullable=False),
        ]
    )
    rows = [_row(event) for event in events]
    columns = {name: [row[number] for row in rows] for number, name in enumerate(COLUMNS)}
    columns["recorded_at"] = [event.recorded_at for event in events]
    parquet.write_table(pa.table(columns, schema=schema), path)


def _join_bytes(parts: Sequence[Path], path: Path, head: bytes = b"") -> None:
    with path.open("wb") as whole:
        whole.write(head)
        for part in parts:
            with part.open("rb") as file:
                shutil.copyfileobj(file, whole)


def _join_csv(parts: Sequence[Path], path: Path) -> None:
    head = io.StringIO()
    csv.writer(head).writerow(COLUMNS)
    _join_bytes(parts, path, head.getvalue().encode())


def _join_parquet(parts: Sequence[Path], path: Path) -> None:
    from pyarrow import parquet  # noqa: PLC0415 - large, and of use here alone

    with parquet.ParquetWriter(path, parquet.read_schema(parts[0])) as whole:
        for part in parts:
            with parquet.ParquetFile(part) as file:
                for number in range(file.num_row_groups):
                    whole.write_table(file.read_row_group(number))


_WRITE: dict[FileFormat, Callable[[Sequence[RecordedEvent], Path], None]] = {
    FileFormat.JSONL: _write_jsonl,
    FileFormat.CSV: _write_csv,
    FileFormat.PARQUET: _write_parquet,
}
_JOIN: dict[FileFormat, Callable[[Sequence[Path], Path], None]] = {
    FileFormat.JSONL: _join_bytes,
    FileFormat.CSV: _join_csv,
    FileFormat.PARQUET: _join_parquet,
}
