"""What a projection refuses. None of these is ever skipped: the event becomes a dead letter of the projector."""

from uuid import UUID

from schemas.envelope import RecordedEvent


class ProjectionError(Exception):
    """Root of the package's errors: the read model and the events do not fit together."""


class VersionGap(ProjectionError):
    """An event is not the next of its stream: events were lost or have changed order."""

    def __init__(self, *, projection: str, stream_id: UUID, expected: int, actual: int, position: int) -> None:
        super().__init__(
            f"{projection}: stream {stream_id} needs version {expected} next, "
            f"but the event at position {position} is version {actual}"
        )
        self.projection = projection
        self.stream_id = stream_id
        self.expected = expected
        self.actual = actual
        self.position = position


class RowsChangedMeanwhile(ProjectionError):
    """Fewer rows took a batch's changes than it has: someone else wrote them in the meantime."""

    def __init__(self, *, projection: str, expected: int, actual: int) -> None:
        super().__init__(f"{projection}: {expected} rows were to change, {actual} did")
        self.projection = projection
        self.expected = expected
        self.actual = actual


class MisplacedEvent(ProjectionError):
    """An event contradicts those before it: a payment is made twice or not at all, or a refund is unknown."""

    def __init__(self, *, projection: str, event_type: str, position: int) -> None:
        super().__init__(f"{projection}: {event_type} at position {position} cannot stand there")
        self.projection = projection
        self.event_type = event_type
        self.position = position


def check_next(projection: str, recorded: RecordedEvent, current: int) -> None:
    """Raise VersionGap unless an event is the next of its stream after version `current` (0: no event yet)."""
    if recorded.version != current + 1:
        raise VersionGap(
            projection=projection,
            stream_id=recorded.stream_id,
            expected=current + 1,
            actual=recorded.version,
            position=recorded.position,
        )
