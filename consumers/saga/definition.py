"""What the runner has to know of a saga: how its streams are read, and its pure step.

docs/sagas.md shows how to write one.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from domain.saga.commands import OperatorCommand
from domain.saga.status import SagaStatus
from domain.saga.step import Step
from event_store.streams import Aggregate

State = TypeVar("State")
Event = TypeVar("Event")
ParticipantState = TypeVar("ParticipantState")
ParticipantEvent = TypeVar("ParticipantEvent")


@dataclass(frozen=True, kw_only=True)  # no slots: Python 3.11 cannot call `SagaDefinition[...](...)` then
class SagaDefinition(Generic[State, Event, ParticipantState, ParticipantEvent]):
    """A kind of saga. All functions are pure.

    `step(state, participants, now)` gets all participants as they are (None: the stream has no events) and `now` in
    Unix seconds. It must add nothing when it is made again. `operate` raises DomainError when it refuses.
    """

    kind: str
    """Its name in tables, metrics and on the command line; for ever."""
    saga: Aggregate[State, Event]
    participant: Aggregate[ParticipantState, ParticipantEvent]
    participants_of: Callable[[State], Sequence[UUID]]
    step: Callable[[State, Mapping[UUID, ParticipantState | None], float], Step[Event, ParticipantEvent]]
    status_of: Callable[[State], SagaStatus]
    waits_for_of: Callable[[State], Sequence[str]]
    """What it waits for, in words for an operator."""
    operate: Callable[[State, OperatorCommand], Sequence[Event]]

    @property
    def category(self) -> str:
        """The category of its streams."""
        return self.saga.codec.category
