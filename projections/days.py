"""The days that totals are asked for."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, kw_only=True, slots=True)
class DayRange:
    """Days of a time zone, both inclusive, and one currency or (None) every one."""

    date_from: date
    date_to: date
    time_zone: str
    currency: str | None
