"""Where the archived part of the log is."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from infra.settings.process import ProcessSettings


class ArchiveFolderSettings(ProcessSettings):
    """The folder of all archives. Whoever reads the whole log needs it, once a partition is archived."""

    archive_folder: Path | None = None


class ArchiveSettings(ArchiveFolderSettings):
    """And when a partition may be archived."""

    archive_after_days: Annotated[int, Field(ge=1)] = 400
    """So many days after its last event."""
