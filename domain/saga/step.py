"""The outcome of one step of a saga: what is appended to its stream and to those of its participants."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from uuid import UUID

Event = TypeVar("Event")
ParticipantEvent = TypeVar("ParticipantEvent")


@dataclass(frozen=True, kw_only=True)  # no slots: Python 3.11 cannot call `Step[...](...)` then
class Step(Generic[Event, ParticipantEvent]):
    """All of it is appended in one transaction, or none of it.

    ``due_at``: when to look again though nothing new came, in Unix seconds; None: never.
    """

    events: tuple[Event, ...] = ()
    participants: Mapping[UUID, tuple[ParticipantEvent, ...]] = field(default_factory=dict)
    due_at: float | None = None
