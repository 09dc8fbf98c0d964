"""What the runner needs of a projection."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from infra.postgres.pool import Connection

E_contra = TypeVar("E_contra", contravariant=True)


class Projection(Protocol[E_contra]):
    """Read tables that are built from the events of one topic: those of projections.events.

    One that needs several topics is a projection for each, of the same name.
    """

    @property
    def name(self) -> str:
        """Its name in checkpoints and metrics; for ever."""
        ...

    @property
    def topic(self) -> str:
        """Where its events come from."""
        ...

    async def write(self, conn: Connection, events: Sequence[E_contra]) -> None:
        """Write what the events change, through `conn` alone: its transaction may be undone and run again.

        Each event comes once, those of a stream in order. Raises ProjectionError (projections.errors) when
        the tables and the events do not fit together.
        """
        ...
