"""The day of the reconciliation."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import field_validator

from infra.settings.process import ProcessSettings

_OF_A_MACHINE = frozenset({"localtime", "posixrules"})
_NO_ZONE = "must be a name like Europe/Berlin or UTC"
_COPIES = ("posix/", "right/")


class ReconciliationDaySettings(ProcessSettings):
    """When a day of the reconciliation begins and ends."""

    reconciliation_time_zone: str = "UTC"
    """In which a day begins and ends, and the schedule is meant: a name of the IANA time zone database."""

    @field_validator("reconciliation_time_zone")
    @classmethod
    def _known_time_zone(cls, value: str) -> str:
        zone_named(value)
        return value


def zone_named(name: str) -> ZoneInfo:
    """Return a time zone of the IANA time zone database. Raises ValueError: names like ../x and folders are none.

    Nor is what a machine has beside it: PostgreSQL does not know it, and `right/UTC` counts leap seconds.
    """
    try:
        zone = ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(_NO_ZONE) from None
    if name in _OF_A_MACHINE or name.startswith(_COPIES):
        raise ValueError(_NO_ZONE)
    return zone
