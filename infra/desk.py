"""What operators do from the command line about calls of Stripe that are stuck: the form of it.

`paystream tasks` shows it; the gateway does it, and declares so in the group `paystream.desks`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from infra.errors import InfraError
from infra.postgres import Connection


class TaskRefused(InfraError):
    """What was asked for cannot be done with the task, or must not; nothing was changed."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedTask:
    """A task as operators see it."""

    event_id: UUID
    payment_id: UUID
    operation: str
    status: str
    attempts: int
    created_at: datetime
    due_at: datetime
    last_error: str | None
    found: int
    """How many there are in all."""


class Desk(Protocol):
    """Each method is a transaction of its own, and raises TaskRefused with a text for people."""

    async def list_tasks(
        self, conn: Connection, *, statuses: Sequence[str], payment_id: UUID | None = None, limit: int = 50
    ) -> list[ListedTask]:
        """Return tasks of these statuses, the oldest first."""

    async def retry(self, conn: Connection, event_id: UUID, *, who: str, why: str) -> str:
        """Have the task tried again at once; return what will be done."""

    async def give_up(self, conn: Connection, event_id: UUID, *, who: str, why: str, force: bool = False) -> str:
        """End the task without its effect; return what was recorded."""
