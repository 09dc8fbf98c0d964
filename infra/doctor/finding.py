"""What a check found: one line of the answer."""

from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """How bad it is. Only an ERROR keeps something from working."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One thing that was looked at; texts are for people and hold no secret."""

    area: str
    subject: str
    status: Status
    detail: str
    remedy: str | None = None


@dataclass(frozen=True, slots=True)
class Area:
    """Makes the findings of one area."""

    name: str

    def ok(self, subject: str, detail: str) -> Finding:
        """Return that it is as it should be."""
        return Finding(area=self.name, subject=subject, status=Status.OK, detail=detail)

    def warning(self, subject: str, detail: str, remedy: str) -> Finding:
        """Return that it works, but not as well or as safely as it should."""
        return Finding(area=self.name, subject=subject, status=Status.WARNING, detail=detail, remedy=remedy)

    def error(self, subject: str, detail: str, remedy: str) -> Finding:
        """Return that something cannot work."""
        return Finding(area=self.name, subject=subject, status=Status.ERROR, detail=detail, remedy=remedy)

    def skipped(self, subject: str, reason: str, remedy: str | None = None) -> Finding:
        """Return that it was not looked at, and why."""
        return Finding(area=self.name, subject=subject, status=Status.SKIPPED, detail=reason, remedy=remedy)
