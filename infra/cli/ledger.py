"""`paystream ledger export`: the ledger's lines as a file."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from infra import declared
from infra.errors import InfraError
from infra.ledger_desk import ExportFormat, LedgerDesk
from infra.log_render import mask_text
from infra.settings import ReadDatabaseSettings, load_settings

_DESK = "ledger"


def run_export(output: Path, *, form: ExportFormat, since: datetime | None, until: datetime | None) -> int:
    """Write the file; return the exit code."""
    settings = load_settings(ReadDatabaseSettings)

    async def connected() -> int:
        desk: LedgerDesk = declared.load(declared.DESKS, _DESK)()
        url = settings.read_database_url.get_secret_value()
        async with await psycopg.AsyncConnection.connect(url, connect_timeout=5) as conn:
            return await desk.export(conn, output, form=form, since=_utc(since), until=_utc(until))

    try:
        lines = asyncio.run(connected())
    except psycopg.errors.UndefinedTable:
        reason = "the database lacks a table. Remedy: paystream migrate"
    except psycopg.Error as error:
        reason = f"the database refused: {mask_text(str(error).strip())}"
    except (InfraError, declared.NotDeclared) as error:
        reason = str(error)
    else:
        print(f"{lines} lines are in {output}.")
        return 0
    print(f"paystream: {reason}", file=sys.stderr)
    return 1


def _utc(moment: datetime | None) -> datetime | None:
    """Return a moment that was given without an offset as one in UTC."""
    return None if moment is None else moment.replace(tzinfo=moment.tzinfo or UTC)
