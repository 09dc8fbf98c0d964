"""Runs `paystream ledger export`."""

from datetime import UTC, datetime
from pathlib import Path

from event_store.command_line import run
from infra.postgres.pool import connect
from infra.settings.loading import load_settings
from infra.settings.postgres import ReadDatabaseSettings
from projections.ledger.export import ExportFormat, LedgerExport


def run_export(output: Path, *, form: ExportFormat, since: datetime | None, until: datetime | None) -> int:
    """Write the file; return the exit code."""
    settings = load_settings(ReadDatabaseSettings)

    async def connected() -> int:
        url = settings.read_database_url.get_secret_value()
        async with await connect(url, settings.pooling) as conn:
            lines = await LedgerExport().export(conn, output, form=form, since=_utc(since), until=_utc(until))
        print(f"{lines} lines are in {output}." + ("" if lines else " The ledger has none of that time."))
        return 0

    return run(connected())


def _utc(moment: datetime | None) -> datetime | None:
    """Return a moment that was given without an offset as one in UTC."""
    return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC)
