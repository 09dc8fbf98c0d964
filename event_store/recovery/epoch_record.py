"""The record in Kafka of a log's new epoch, written before the log opens in it.

What is answered in an epoch may be lost before any of it is published. The PostgreSQL that comes after must then take
neither the same epoch nor the same positions: what Redis keeps for that epoch, and what clients were answered, is about
events that it lacks. This record is all that it can know them by.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import TypeAlias

from domain.ids import LogId
from event_store.relay.producer import record_sender
from event_store.relay.progress import RelayProgress
from event_store.relay.shard import Shard
from infra.settings.kafka import KafkaSettings
from schemas.topics import RELAY_PROGRESS

WriteEpoch: TypeAlias = Callable[[LogId, int, int], Awaitable[None]]
"""Writes that the log with this id is in this epoch, whose positions begin above this one."""

_EPOCH_SHARD = Shard(index=65_535, count=65_536)
"""Owns no partition, so that every relay reads its record and resumes nothing from it, also one of an older release."""


@asynccontextmanager
async def epoch_writer(settings: KafkaSettings) -> AsyncIterator[WriteEpoch]:
    """Lend the right to write the record, which ends that of any earlier holder. Raises KafkaError, TimeoutError."""
    async with record_sender(settings, _EPOCH_SHARD) as send:

        async def write(log_id: LogId, epoch: int, positions_from: int) -> None:
            record = RelayProgress(shard=_EPOCH_SHARD, position=positions_from, log_id=log_id, epoch=epoch)
            await send(RELAY_PROGRESS, record.encode(), record.key)

        yield write


def highest_position(records: Iterable[RelayProgress]) -> int:
    """Return the highest position that progress records name: up to there, positions may have been used."""
    return max((record.position for record in records), default=0)
