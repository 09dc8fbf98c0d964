"""Streams of events, folded into state."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from schemas.envelope import RecordedEvent
from schemas.errors import SchemaError
from schemas.events import Codec
from schemas.events.registry import BY_NAME

State = TypeVar("State")
Event = TypeVar("Event")


@dataclass(frozen=True, kw_only=True)  # no slots: Python 3.11 cannot call `LoadedStream[State](...)` then
class LoadedStream(Generic[State]):
    """A stream at the version of its last loaded event. `state` is None and `version` 0 when it has no events."""

    state: State | None
    version: int
    events: tuple[RecordedEvent, ...]

    @property
    def position(self) -> int:
        """Position of the last event; 0 when there are none."""
        return self.events[-1].position if self.events else 0


@dataclass(frozen=True, kw_only=True)
class Aggregate(Generic[State, Event]):
    """How the streams of one kind are read: the codec of their events, and the state after one more event.

    `evolve_unread` is the state after an event that cannot be read, for streams that must be commanded all the same:
    decisions have to allow then what is safe whatever it says, and nothing else. None: such a stream is not loaded.
    """

    codec: Codec[Event]
    evolve: Callable[[State | None, Event], State]
    evolve_unread: Callable[[State | None], State | None] | None = None

    def load(self, events: Sequence[RecordedEvent]) -> LoadedStream[State]:
        """Fold a stream's events. Without `evolve_unread`, raises schemas.errors.SchemaError when one cannot be read.

        A stream of another kind, whose id somebody gave in the place of one of these, is as if it were not there.
        """
        if events and self._is_of_another_kind(events[0]):
            events = ()
        return LoadedStream(
            state=self._folded(events),
            version=events[-1].version if events else 0,
            events=tuple(events),
        )

    def _is_of_another_kind(self, first: RecordedEvent) -> bool:
        return first.type in BY_NAME and not self.codec.knows(first.type)

    def fold(self, events: Iterable[Event], state: State | None = None) -> State | None:
        """Return the state after more events."""
        for event in events:
            state = self.evolve(state, event)
        return state

    def _folded(self, recorded: Sequence[RecordedEvent]) -> State | None:
        if self.evolve_unread is None:
            return self.fold(map(self.codec.decode, recorded))
        state: State | None = None
        for each in recorded:
            try:
                event = self.codec.decode(each)
            except SchemaError:
                state = self.evolve_unread(state)
            else:
                state = self.evolve(state, event)
        return state
