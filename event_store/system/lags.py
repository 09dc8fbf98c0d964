"""How many events a consumer, or a projection, has not taken yet, by partition: counted in the log.

Kafka is not asked, and no process has to run: an event is in the partition that its stream's id says. Only the newest
events are looked at, so it costs the same however long the log is.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NamedTuple
from uuid import UUID

from event_store.store import QUERIES
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from schemas.http.times import timestamp
from schemas.topics import partition_of, topic_of

SQL = Queries.load(Path(__file__).with_name("lags.sql"))

MOST: Final = 5_000
"""How many of the newest events are looked at."""


Place = tuple[str, int]
"""A partition of a topic."""


class Checkpoint(NamedTuple):
    """How far a consumer, or a projection, has come in a partition."""

    consumer: str
    topic: str
    partition: int
    position: int

    @property
    def place(self) -> Place:
        """The partition."""
        return self.topic, self.partition


class StreamEvents(NamedTuple):
    """Where events of a stream are in the log, in order."""

    category: str
    stream_id: UUID
    positions: Sequence[int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lag:
    """Events of a partition that somebody has not taken."""

    consumer: str
    topic: str
    partition: int
    events: int
    is_complete: bool
    """Whether they are all that it lacks. Among events before the newest it may lack more, which is known to be nothing
    where it has come to those, or nobody has come further and nothing was added."""
    oldest: int | None
    """The position of the oldest that was counted."""


class PartitionsDiffer(Exception):
    """The topics have another number of partitions than is known here, so no event is in the partition it seems."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NewestEvents:
    """The newest events of the log."""

    streams: Sequence[StreamEvents]
    begins: int
    """The lowest of their positions; 0: they are the whole log."""
    refused: frozenset[int] = frozenset()
    """Where events are that Kafka refused: nobody can take them."""


async def newest_events(conn: Connection, *, limit: int = MOST) -> NewestEvents:
    """Read them. Read checkpoints afterwards: what was taken in between must not seem to be lacking."""
    rows = await (await conn.execute(SQL.newest, {"limit": limit})).fetchall()
    streams = [StreamEvents(*row) for row in rows]
    count = sum(len(each.positions) for each in streams)
    begins = min(each.positions[0] for each in streams) if count >= limit else 0
    refused = await (await conn.execute(QUERIES["refused_positions"], {"position": begins})).fetchall()
    return NewestEvents(streams=streams, begins=begins, refused=frozenset(row[0] for row in refused))


async def lag_views(
    conn: Connection, newest: NewestEvents, checkpoints: Iterable[Mapping[str, Any]], *, partitions: int
) -> list[dict[str, Any]] | None:
    """Return the members of `LagView` of each that lacks events; None when they cannot be counted."""
    reached = [Checkpoint(*(each[name] for name in Checkpoint._fields)) for each in checkpoints]
    try:
        # In a thread: it takes some milliseconds, and commands are not to wait for it.
        found = await asyncio.to_thread(lags, newest, reached, partitions=partitions)
    except PartitionsDiffer:
        return None
    positions = sorted({each.oldest for each in found if each.oldest is not None})
    rows = await (await conn.execute(SQL.recorded_at, {"positions": positions})).fetchall() if positions else []
    recorded_at: Mapping[int | None, datetime] = dict(rows)
    return [
        {
            "consumer": each.consumer,
            "topic": each.topic,
            "partition": each.partition,
            "events": each.events,
            "is_complete": each.is_complete,
            "oldest_at": None if each.oldest is None else timestamp(recorded_at[each.oldest]),
        }
        for each in found
    ]


def lags(newest: NewestEvents, checkpoints: Sequence[Checkpoint], *, partitions: int) -> list[Lag]:
    """Return who lacks events. Raises PartitionsDiffer."""
    events = _by_partition(newest, partitions)
    _check_partitions(checkpoints, events, partitions)
    furthest: dict[Place, int] = {}
    for each in checkpoints:
        furthest[each.place] = max(furthest.get(each.place, 0), each.position)
    found = (
        _lag(
            each,
            [at for at in events.get(each.place, ()) if at > each.position and at not in newest.refused],
            is_ahead_elsewhere=furthest.get(each.place, 0) > each.position,
            begins=newest.begins,
        )
        for each in _with_untouched(checkpoints, partitions)
    )
    return [each for each in found if each.events or not each.is_complete]


def _lag(at: Checkpoint, lacking: Sequence[int], *, is_ahead_elsewhere: bool, begins: int) -> Lag:
    is_complete = at.position >= begins or (not lacking and not is_ahead_elsewhere)
    return Lag(
        consumer=at.consumer,
        topic=at.topic,
        partition=at.partition,
        events=len(lacking),
        is_complete=is_complete,
        oldest=min(lacking) if is_complete and lacking else None,
    )


def _by_partition(newest: NewestEvents, partitions: int) -> Mapping[Place, list[int]]:
    found: dict[Place, list[int]] = {}
    for each in newest.streams:
        place = topic_of(each.category), partition_of(each.stream_id, partitions)
        found.setdefault(place, []).extend(each.positions)
    return found


def _with_untouched(checkpoints: Sequence[Checkpoint], partitions: int) -> Iterable[Checkpoint]:
    """Yield the checkpoints, and position 0 for each partition of a topic of which a reader has taken nothing yet."""
    yield from checkpoints
    known = {(each.consumer, each.place) for each in checkpoints}
    for consumer, topic in sorted({(each.consumer, each.topic) for each in checkpoints}):
        for partition in range(partitions):
            if (consumer, (topic, partition)) not in known:
                yield Checkpoint(consumer, topic, partition, 0)


def _check_partitions(
    checkpoints: Iterable[Checkpoint], events: Mapping[Place, Sequence[int]], partitions: int
) -> None:
    """Raise PartitionsDiffer if a checkpoint is at an event of another partition, or in one that is not there."""
    place_of = {position: place for place, positions in events.items() for position in positions}
    for each in checkpoints:
        if each.partition >= partitions or place_of.get(each.position, each.place) != each.place:
            raise PartitionsDiffer
