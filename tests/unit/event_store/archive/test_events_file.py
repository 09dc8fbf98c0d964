"""The file of an archive: which event was the last at a moment."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from event_store.archive.events_file import EventsFile, EventsFileWriter
from event_store.proofs.statement import EventRow

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def a_row(position: int, at: datetime) -> EventRow:
    return position, "e", "s", 1, "payment", "payment.requested", 1, at.isoformat(), "{}", "{}"


def test_a_time_as_it_is_shown_has_what_was_recorded_then(tmp_path: Path) -> None:
    writer = EventsFileWriter(tmp_path / "events.parquet", 0)
    writer.add([a_row(1, NOON + timedelta(microseconds=900)), a_row(2, NOON + timedelta(microseconds=1000))])
    writer.close()
    file = EventsFile(tmp_path / "events.parquet")
    moments = [-1000, 0, 899, 900, 1000]
    assert [file.position_at(NOON + timedelta(microseconds=each)) for each in moments] == [0, 1, 0, 1, 2]
