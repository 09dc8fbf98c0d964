"""Which days are due. Pure: the time comes in."""

from collections.abc import Collection
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

_FIELDS, _DAY, _WEEKDAY = 5, 2, 4  # of a crontab expression
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_SUNDAY_TOO = 7
_USUAL_PAUSE = timedelta(days=1)
_LONGEST_PAUSE = timedelta(days=32)  # of a schedule that runs once a month


class Schedule:
    """When reconciliations run, by the clock on the wall in a time zone.

    The trigger knows of no change of clocks (at an hour that comes twice, it would never return): it is given what the
    wall shows as if that were UTC. Raises ValueError for what is no crontab expression, and for one with both a day of
    the month and a day of the week: crontab means either of them, the trigger would wait for both.
    """

    def __init__(self, crontab: str, time_zone: str) -> None:
        self._zone = ZoneInfo(time_zone)
        self._trigger = CronTrigger.from_crontab(_with_named_weekdays(crontab), timezone=UTC)

    def last_due(self, now: datetime) -> tuple[date | None, datetime | None]:
        """Return the newest day that is due, the one before the schedule's last moment, and that moment."""
        wall = now.astimezone(self._zone).replace(tzinfo=UTC, fold=0)
        fired = self._last_moment(wall, _USUAL_PAUSE) or self._last_moment(wall, _LONGEST_PAUSE)
        if fired is None:
            return None, None
        moment = fired.replace(tzinfo=self._zone)
        # A time that the change of clocks left out is read either way: the one that has been.
        return fired.date() - timedelta(days=1), moment if moment <= now else moment.replace(fold=1)

    def _last_moment(self, wall: datetime, within: timedelta) -> datetime | None:
        fired: datetime | None = None
        moment: datetime | None = self._trigger.get_next_fire_time(None, wall - within)
        while moment is not None and moment <= wall:
            fired = moment
            moment = self._trigger.get_next_fire_time(fired, fired + timedelta(seconds=1))
        return fired


def _with_named_weekdays(crontab: str) -> str:
    """Return it with names for the numbers of weekdays: crontab's week begins on Sunday, the trigger's on Monday.

    https://man7.org/linux/man-pages/man5/crontab.5.html
    """
    fields = crontab.split()
    if len(fields) != _FIELDS or fields[_WEEKDAY] == "*":
        return crontab
    if fields[_DAY] != "*":
        raise ValueError("give a day of the month or a day of the week, not both")
    fields[_WEEKDAY] = ",".join(_named(part) for part in fields[_WEEKDAY].split(","))
    return " ".join(fields)


def _named(weekdays: str) -> str:
    """Return one part of the field, such as `1-5`, `*/2` or `sun`, by names."""
    days, _, step = weekdays.partition("/")
    first, dash, last = ("0", "-", "6") if days == "*" else days.partition("-")
    if not all(each.isdigit() for each in (first, last or "0", step or "1")):
        if step:  # the trigger would take no notice of it
            raise ValueError(f"a step goes with numbers alone, not with {weekdays}")
        return weekdays  # names; or nonsense, which the trigger refuses
    if max(int(first), int(last or 0)) > _SUNDAY_TOO or int(step or 1) < 1 or (dash and int(first) > int(last or 0)):
        raise ValueError(f"there is no day of the week {weekdays}")
    numbers = range(int(first), int(last if dash else first) + 1, int(step or 1))
    return ",".join(_WEEKDAYS[number % len(_WEEKDAYS)] for number in numbers)


def days_due(*, last_due: date, since: date | None, known: Collection[date], at_most: int) -> list[date]:
    """Return the days to ask for, oldest first: all from `since`, the first that ever was, but the known ones.

    Where none ever was, the last one alone is due: what lies before is of a time before there was a reconciliation.
    """
    first = max(last_due if since is None else since, last_due - timedelta(days=at_most - 1))
    days = (first + timedelta(days=number) for number in range((last_due - first).days + 1))
    return [day for day in days if day not in known]
