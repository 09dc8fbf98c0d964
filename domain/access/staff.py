"""Somebody of the staff, whose stream tells of their log-ins."""

from uuid import UUID, uuid5

_STAFF = UUID("0d7a3b0e-62a4-5f7c-9b52-6c1f6f1d2e90")


def staff_stream(name: str) -> UUID:
    """Return the stream of a name; upper and lower case are the same, as at the log-in."""
    return uuid5(_STAFF, name.casefold())
