"""Moments as both APIs write them: ISO 8601 in UTC, with milliseconds and Z."""

from datetime import UTC, datetime
from uuid import UUID

from domain.ids import PaymentId

_WITH_TIME = 7


def timestamp(moment: datetime) -> str:
    """Write a moment."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def end_of_moment(moment: datetime) -> datetime:
    """Return until when a moment lasts that somebody names: one in whole milliseconds, until its millisecond ends.

    Times are recorded to the microsecond and shown to the millisecond: who gives one back as it was shown means what
    was recorded then.
    """
    return moment if moment.microsecond % 1000 else moment.replace(microsecond=moment.microsecond + 999)


def moment_of(time_ordered_id: UUID) -> datetime | None:
    """Return the moment at which an id was drawn, to the millisecond; None for an id that tells no time.

    Source: https://www.rfc-editor.org/rfc/rfc9562#name-uuid-version-7
    """
    return (
        datetime.fromtimestamp((time_ordered_id.int >> 80) / 1000, UTC)
        if time_ordered_id.version == _WITH_TIME
        else None
    )


def payment_created_at(payment_id: PaymentId, recorded_at: datetime) -> datetime:
    """Return when a payment was made: when its id was drawn, or else when its first event was recorded.

    The command API answers before the log has recorded anything, so the id is the one place where both APIs find
    the same moment.
    """
    return moment_of(payment_id) or recorded_at
