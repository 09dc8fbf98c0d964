"""What the runner needs of a projection."""

from collections.abc import Sequence
from typing import Protocol

from infra.postgres import Connection
from projections.events import DecodedEvent


class Projection(Protocol):
    """Read tables that are built from the events of one topic."""

    @property
    def name(self) -> str:
        """Its name in checkpoints and metrics; for ever."""
        ...

    @property
    def topic(self) -> str:
        """Where its events come from."""
        ...

    async def write(self, conn: Connection, events: Sequence[DecodedEvent]) -> None:
        """Write what the events change, through `conn` alone: its transaction may be undone and run again.

        Each event comes once, those of a stream in order. Raises ProjectionError (projections.errors) when
        the tables and the events do not fit together.
        """
        ...
