"""Up to where a build may go: never further than the live projection, so that both can be compared at one position."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from event_store.privacy.vault import AnyVault
from event_store.store import event_row
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from projections.rebuild.builds import Place
from projections.rebuild.errors import RebuildRefused
from projections.runner import CHECKPOINT_PREFIX, CONSUMER
from projections.scratch import parts_of
from schemas.envelope import RecordedEvent
from schemas.topics import categories_of, partition_of, topic_of

SQL = Queries.load(Path(__file__).with_name("targets.sql"))
_LOOKED_AT = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Source:
    """What a projection is built from."""

    projection: str
    partitions: int
    """Of each topic."""
    vault: AnyVault | None = None
    """Has the keys of personal data, which the read model shows in clear."""

    @property
    def consumer(self) -> str:
        """The name of its checkpoints."""
        return CHECKPOINT_PREFIX + self.projection

    @property
    def topics(self) -> list[str]:
        """Its topics."""
        return [each.topic for each in parts_of(self.projection)]

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories of its events."""
        return tuple(category for topic in self.topics for category in categories_of(topic))

    @property
    def places(self) -> frozenset[Place]:
        """All partitions of its topics."""
        return frozenset((topic, partition) for topic in self.topics for partition in range(self.partitions))

    def place_of(self, event: RecordedEvent) -> Place:
        """Return where an event is."""
        return _place_of(event.category, event.stream_id.int, self.partitions)


@lru_cache(maxsize=100_000)  # a payment's events stand close together
def _place_of(category: str, stream: int, partitions: int) -> Place:
    return topic_of(category), partition_of(UUID(int=stream), partitions)


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """Where the build is to come to, and what it must not have."""

    positions: Mapping[Place, int]
    """Of each partition: the checkpoint of the live projection; where it has to join, the newest of the others."""
    joining: frozenset[Place]
    """Partitions in which the live projection has no checkpoint, and others have: it is new, or was taken out."""
    dead_letters: frozenset[int]
    """Events that the live projection lacks; where it has to join, those that any lacks."""

    @property
    def is_new(self) -> bool:
        """Whether the live projection has no checkpoint at all: what its tables have, if anything, says nothing."""
        return self.joining == self.positions.keys()

    @property
    def end(self) -> int:
        """The highest position of all."""
        return max(self.positions.values(), default=0)


async def targets(conn: Connection, source: Source, *, joining: frozenset[Place] = frozenset()) -> Targets:
    """Return where the live projection stands now, in the snapshot of `conn`.

    All events up to there are final, as the relay has published them. `joining`: where a checkpoint was made for it
    just now, which stands at the beginning. Raises RebuildRefused where there is nothing that it could be beside.
    """
    rows = await _checkpoints(conn, source)
    if not rows:
        raise RebuildRefused(
            f"no projection has taken anything of {', '.join(source.topics)} yet. Remedy: start the projector, which "
            "builds all of them by itself"
        )
    lacks = {place for place, (own, _) in rows.items() if own is None or (not own and place in joining)}
    of = {"projector": CONSUMER, "consumer": source.consumer, "topics": source.topics}
    dead_letters = await (await conn.execute(SQL.dead_letters, of)).fetchall()
    return Targets(
        positions={place: newest if place in lacks else own or 0 for place, (own, newest) in rows.items()},
        joining=frozenset(lacks),
        dead_letters=frozenset(
            position for topic, partition, position, is_own in dead_letters if is_own or (topic, partition) in lacks
        ),
    )


async def events_at(conn: Connection, positions: frozenset[int]) -> list[RecordedEvent]:
    """Return single events, in order."""
    async with conn.cursor(row_factory=event_row) as cursor:
        await cursor.execute(SQL.events_at, {"positions": sorted(positions)})
        return await cursor.fetchall()


async def live_position(conn: Connection, source: Source) -> int | None:
    """Return the newest checkpoint of the live projection, None when it has none."""
    rows = await _checkpoints(conn, source)
    return max((own for own, _ in rows.values() if own is not None), default=None)


async def _checkpoints(conn: Connection, source: Source) -> Mapping[Place, tuple[int | None, int]]:
    """Return by partition the projection's own checkpoint, if it has one, and the newest of all."""
    names = {"consumer": source.consumer, "prefix": CHECKPOINT_PREFIX, "topics": source.topics}
    rows = await (await conn.execute(SQL.checkpoints, names)).fetchall()
    return {(topic, partition): (own, newest) for topic, partition, own, newest in rows}


async def count_behind(conn: Connection, source: Source, position: int, *, limit: int) -> int:
    """Return how many of its events stand behind a position, up to a limit, among the next million of the log."""
    behind = {
        "position": position,
        "categories": list(source.categories),
        "limit": limit,
        "looked_at": _LOOKED_AT,
    }
    row = await (await conn.execute(SQL.behind, behind)).fetchone()
    assert row is not None
    return int(row[0])
