"""Moments as both APIs write them: ISO 8601 in UTC, with milliseconds and Z."""

from datetime import UTC, datetime
from uuid import UUID

_WITH_TIME = 7


def timestamp(moment: datetime) -> str:
    """Write a moment."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def payment_created_at(payment_id: UUID, recorded_at: datetime) -> datetime:
    """Return when a payment was made: the milliseconds that its id begins with.

    The command API answers before the log has recorded anything, so the id is the one place where both APIs find
    the same moment. An id of another version tells no time: then it is `recorded_at`, of the payment's first event.
    Source: https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
    """
    if payment_id.version != _WITH_TIME:
        return recorded_at
    return datetime.fromtimestamp((payment_id.int >> 80) / 1000, UTC)
