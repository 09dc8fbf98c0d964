"""What finance takes out of the ledger from the command line: the form of it.

`paystream ledger` offers it; the ledger's projection does it, and declares so in the group `paystream.desks`.
"""

from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from infra.errors import InfraError
from infra.postgres.pool import Connection


class ExportFormat(StrEnum):
    """What a file can be."""

    CSV = "csv"
    PARQUET = "parquet"


class ExportRefused(InfraError):
    """The file cannot be written; one that was there is as it was."""


class LedgerDesk(Protocol):
    """Reads only; each method raises ExportRefused with a text for people."""

    async def export(
        self, conn: Connection, output: Path, *, form: ExportFormat, since: datetime | None, until: datetime | None
    ) -> int:
        """Write every line of a time into a file, the oldest first, and return how many.

        `since` is inclusive, `until` is not. The file is there when it is whole, not before. One that is there is not
        replaced by one without lines.
        """
