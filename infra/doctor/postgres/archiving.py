"""Whether an accident can be undone: the archive of the write-ahead log, from which a moment is restored."""

from dataclasses import dataclass
from datetime import datetime

from infra.doctor.finding import Finding
from infra.doctor.postgres.area import AREA

SUBJECT = "archive"
_PAGE = "docs/runbooks/point-in-time.md"


@dataclass(frozen=True, kw_only=True, slots=True)
class Archiving:
    """What the server says: archive_mode, and when a segment was last archived, and last refused."""

    mode: str
    archived_at: datetime | None
    failed_at: datetime | None

    @property
    def is_failing(self) -> bool:
        """Whether the last attempt failed."""
        return self.failed_at is not None and (self.archived_at is None or self.failed_at > self.archived_at)


def archiving_finding(archiving: Archiving, *, production: bool) -> Finding:
    """Rate it; where no real money moves, nothing need be archived."""
    if archiving.mode == "off":
        if not production:
            return AREA.ok(SUBJECT, "archive_mode=off: enough for development, production wants an archive")
        detail = "archive_mode=off: what somebody deletes or drops is gone on every standby as well"
        remedy = f"Archive the write-ahead log, and take base backups ({_PAGE}); or have the provider do both."
        return AREA.warning(SUBJECT, detail, remedy)
    if archiving.is_failing:
        detail = "the archive refuses the write-ahead log: it is kept on the server's disk, until that is full"
        return AREA.error(SUBJECT, detail, f"The server's log says what archive_command answered ({_PAGE}).")
    if archiving.archived_at is None:
        return AREA.ok(SUBJECT, f"archive_mode={archiving.mode}: nothing was to be archived yet")
    return AREA.ok(
        SUBJECT, f"archive_mode={archiving.mode}, last archived at {archiving.archived_at:%Y-%m-%d %H:%M:%S %Z}"
    )
