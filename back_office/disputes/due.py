"""How long there is to answer a dispute, in words. Pure: from the query API's JSON."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

Json = dict[str, Any]

_WAITS_FOR_US = {"needs_response", "warning_needs_response"}
_CLOSED = {"won", "lost", "warning_closed", "prevented"}
_TONES = {"won": "good", "lost": "bad", "prevented": "good"}
_WORDS = {
    "needs_response": "Needs evidence",
    "under_review": "The bank decides",
    "won": "Won",
    "lost": "Lost",
    "prevented": "Prevented",
    "warning_needs_response": "Inquiry: needs an answer",
    "warning_under_review": "Inquiry: the bank looks at it",
    "warning_closed": "Inquiry closed",
}
_FUNDS = {"none": "Still here", "withdrawn": "Taken back by the bank", "reinstated": "Given back to us"}
_HOUR_S = 3600
_DAY_S = 24 * _HOUR_S
_SOON_DAYS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Due:
    """What to do, and until when."""

    status: str
    tone: str
    left: str
    """How much time there is; empty where nothing is waited for from us."""
    left_tone: str
    funds: str


def due_of(dispute: Json, now: datetime) -> Due:
    """Return what a dispute asks for. A status that is not known is shown as it is."""
    status = str(dispute["status"])
    left, left_tone = _left(dispute["evidence_due_by"], now) if status in _WAITS_FOR_US else ("", "quiet")
    return Due(
        status=_WORDS.get(status, status),
        tone=_TONES.get(status, "quiet" if status in _CLOSED else "wait"),
        left=left,
        left_tone=left_tone,
        funds=_FUNDS.get(str(dispute["funds"]), str(dispute["funds"])),
    )


def _left(due_by: str | None, now: datetime) -> tuple[str, str]:
    if due_by is None:
        return "No answer is possible", "quiet"
    seconds = (datetime.fromisoformat(due_by) - now).total_seconds()
    if seconds <= 0:
        return "The time is over", "bad"
    if seconds < _DAY_S:
        return _counted(max(1, int(seconds // _HOUR_S)), "hour"), "bad"
    days = int(seconds // _DAY_S)
    return _counted(days, "day"), "bad" if days < _SOON_DAYS else "wait"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'} left"
