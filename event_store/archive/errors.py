"""What can be wrong with an archive."""

from collections.abc import Sequence

from infra.errors import InfraError


class ArchiveError(InfraError):
    """Root of the errors of archives."""


class ArchiveRefused(ArchiveError):
    """It is not done now, and the log is as it was. `reasons` are what holds it up, one each."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = tuple(reasons)


class ArchiveMissing(ArchiveError):
    """A part of the log is archived, and its file cannot be found."""


class ArchiveDiffers(ArchiveError):
    """A file is there, and is not what was sealed, or what was archived."""
