"""Which moments are of a day, in its time zone, and how long a counterpart may be late."""

import datetime as dt
from dataclasses import dataclass
from typing import Self
from zoneinfo import ZoneInfo

_FIRST = -(2**62)
_LAST = 2**62


@dataclass(frozen=True, kw_only=True, slots=True)
class Window:
    """A day, or several: from ``start`` until before ``end``, in Unix seconds, as it is looked at now.

    Rows within ``cutoff`` seconds of the day are looked at too: the two sides date the same thing a little apart.
    """

    date: dt.date
    start: int
    end: int
    cutoff: int
    now: int
    time_zone: str | None = None
    """Of a window of several days: which day a moment is of."""
    edge: int = 0
    """How many seconds beside its start and end are its own too, as far as the ledger dates things."""

    @classmethod
    def of_any_day(cls, *, date: dt.date, time_zone: str, cutoff: int, now: int) -> Self:
        """Return a window that holds every moment: a difference is looked at again, whatever its day."""
        return cls(date=date, start=_FIRST, end=_LAST, cutoff=cutoff, now=now, time_zone=time_zone)

    @property
    def first(self) -> int:
        """The first moment that is looked at."""
        return self.start - self.cutoff

    @property
    def last(self) -> int:
        """The moment before which all that is looked at lies."""
        return self.end + self.cutoff

    def holds(self, at: int) -> bool:
        """Whether a moment is of the day."""
        return self.start <= at < self.end

    def holds_nearly(self, at: int) -> bool:
        """Whether the ledger's moment is of the day, give or take the edge."""
        return self.start - self.edge <= at < self.end + self.edge

    def holds_well(self, at: int) -> bool:
        """Whether a moment is of the day and not near its start or end."""
        return self.start + self.edge <= at < self.end - self.edge

    def day_of(self, at: int) -> dt.date:
        """Return the day that a moment (Unix seconds) is in, in the window's time zone."""
        if self.time_zone is None:
            return self.date
        return dt.datetime.fromtimestamp(at, ZoneInfo(self.time_zone)).date()

    def may_still_come(self, at: int) -> bool:
        """Whether the counterpart of what happened then may still be on its way."""
        return at + self.cutoff > self.now


def day_window(day: dt.date, time_zone: str, *, cutoff: int, now: int) -> Window:
    """Return the window of a day; one with a change of clocks is an hour shorter or longer.

    Raises zoneinfo.ZoneInfoNotFoundError.
    """
    zone = ZoneInfo(time_zone)
    start = dt.datetime(day.year, day.month, day.day, tzinfo=zone)
    following = day + dt.timedelta(days=1)
    end = dt.datetime(following.year, following.month, following.day, tzinfo=zone)
    return Window(date=day, start=int(start.timestamp()), end=int(end.timestamp()), cutoff=cutoff, now=now)
