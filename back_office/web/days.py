"""Days of the business zone, as they stand in an address; and which moments they are."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo


class NoDay(ValueError):
    """What was written is no day."""

    def __init__(self) -> None:
        super().__init__("A day, as 2026-05-01.")


def parse_day(text: str) -> date | None:
    """Return the day that was written, None for nothing. Raises NoDay."""
    if not text.strip():
        return None
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise NoDay from None


def check_order(from_day: str, to_day: str, wrong: dict[str, str], *, field: str = "to_day") -> None:
    """Add to `wrong`, which is by field, that the last day is before the first. What is no day is passed over."""
    try:
        first, last = parse_day(from_day), parse_day(to_day)
    except NoDay:
        return
    if first is not None and last is not None and last < first:
        wrong[field] = "Not before the first day."


def begin_of(day: date, zone: ZoneInfo, *, days_later: int = 0) -> datetime:
    """Return when a day, or one so many later, begins in the zone; in UTC. Raises NoDay at the ends of the calendar."""
    try:
        later = day + timedelta(days=days_later)
        return datetime(later.year, later.month, later.day, tzinfo=zone).astimezone(UTC)
    except (OverflowError, ValueError):
        raise NoDay from None


def today(zone: ZoneInfo) -> date:
    """Return the day that it is in the zone."""
    return datetime.now(zone).date()


def span(from_day: str, to_day: str, zone: ZoneInfo) -> tuple[dict[str, str], dict[str, str]]:
    """Return `since` and `until` of an API, and what is wrong, by the names `from_day` and `to_day`."""
    found: dict[str, str] = {}
    wrong: dict[str, str] = {}
    for field, parameter, text, later in (("from_day", "since", from_day, 0), ("to_day", "until", to_day, 1)):
        try:
            day = parse_day(text)
            if day is not None:
                found[parameter] = begin_of(day, zone, days_later=later).isoformat()
        except NoDay as error:
            wrong[field] = str(error)
    check_order(from_day, to_day, wrong)
    return found, wrong
