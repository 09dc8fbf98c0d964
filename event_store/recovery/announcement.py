"""Tells Kafka of a log's new epoch before the log opens in it.

What is answered in an epoch may be lost before anything of it is published. The server that comes after must then take
neither the same epoch nor the same positions: what Redis keeps for that epoch, and what clients were told, is of events
that it lacks. It has no other way to hear of them than this.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeAlias
from uuid import UUID

from event_store.relay.progress import Progress
from event_store.relay.session import producing
from event_store.relay.shard import Shard
from infra.settings.kafka import KafkaSettings
from schemas.topics import RELAY_PROGRESS

Announce: TypeAlias = Callable[[UUID, int, int], Awaitable[None]]
"""Announces an epoch of the log with this id, whose positions begin above this one."""

_ANNOUNCER = Shard(index=65_535, count=65_536)
"""Owns no partition, so that every relay reads its record and resumes nothing from it, those of before included."""


@asynccontextmanager
async def announcing(settings: KafkaSettings) -> AsyncIterator[Announce]:
    """Lend the right to announce, which ends that of whoever had it before. Raises KafkaError, TimeoutError."""
    async with producing(settings, _ANNOUNCER) as send:

        async def announce(log_id: UUID, epoch: int, positions_from: int) -> None:
            record = Progress(shard=_ANNOUNCER, position=positions_from, log_id=log_id, epoch=epoch)
            await send(RELAY_PROGRESS, record.encode(), record.key)

        yield announce


def highest_position(records: Iterable[Progress]) -> int:
    """Return the highest position that progress records name: up to there, positions may have been used."""
    return max((record.position for record in records), default=0)
