"""Archives the oldest partition of the log, step by step; the same again goes on where it was stopped."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from event_store.archive.archives import EVENTS_FILE, SQL, Archive, read_archives
from event_store.archive.digest import digest_of
from event_store.archive.errors import ArchiveDiffers, ArchiveRefused
from event_store.archive.exchange import drop, exchange, fill_kept, wait_for_older
from event_store.archive.policy import LEAVES
from event_store.archive.sealed_part import Contents, Range, SealedPart, sealed_part
from event_store.proofs.note import PublicKey
from event_store.proofs.tile_store import TileStore
from event_store.store import Connection, read_log_state
from schemas.topics import consumers_of, topic_of

_WAIT_S = 30.0


@dataclass(frozen=True, kw_only=True, slots=True)
class ArchivePlan:
    """Where to, and when: `older_than_days` since the last event. `partitions`: of the topics."""

    folder: Path
    tiles: TileStore
    keys: Sequence[PublicKey]
    partitions: int
    older_than_days: int
    actor: str
    looked: Callable[[str, int], None] = lambda _, __: None
    wait_s: float = _WAIT_S


@dataclass(frozen=True, kw_only=True, slots=True)
class Archived:
    """What was done."""

    positions: Range
    contents: Contents
    detached: str
    waited_ms: float


class Archiving:
    """Works on the log, as the owner of its tables, on a connection in autocommit straight to the primary."""

    def __init__(self, connection: Connection, plan: ArchivePlan) -> None:
        self._connection = connection
        self._plan = plan

    async def next_part(self) -> SealedPart:
        """Return the part that is archived next. Raises ArchiveRefused, with all that holds it up, or ProofError."""
        positions = await self._oldest()
        part = await sealed_part(self._connection, positions, self._plan.tiles, self._plan.keys)
        reasons = [reason async for reason in self._reasons(positions)]
        if part is None:
            reasons.append(f"the sealer has sealed nothing at or behind position {positions.until:,} yet")
        if reasons or part is None:
            raise ArchiveRefused(reasons)
        return part

    async def run(self) -> Archived:
        """Archive it. Raises ArchiveRefused, ArchiveDiffers, ProofError, OSError or psycopg.Error."""
        from event_store.archive.writing import written  # noqa: PLC0415 - has pyarrow, which is large

        plan, connection = self._plan, self._connection
        async with _alone(connection):
            part = await self.next_part()
            contents, digest = await written(
                connection, part, plan.tiles, plan.folder, partitions=plan.partitions, looked=plan.looked
            )
            positions = part.positions
            between = {"first": positions.first, "until": positions.until}
            row = await (await connection.execute(SQL.count_between, between)).fetchone()
            if row != (contents.events,):
                raise ArchiveDiffers("the log has other events than its archive now. See: paystream audit verify")
            if reasons := [reason async for reason in self._not_consumed(contents)]:
                raise ArchiveRefused(reasons)
            await fill_kept(connection, positions, contents, looked=plan.looked)
            await wait_for_older(connection, within_s=plan.wait_s)
            detached, waited_ms = await exchange(connection, part, contents, digest, actor=plan.actor)
        return Archived(positions=positions, contents=contents, detached=detached, waited_ms=waited_ms)

    async def drop_detached(self) -> list[Archive]:
        """Drop the partitions as they were, whose archives are still as they were verified; return those."""
        dropped = []
        async with _alone(self._connection):
            for archive in await read_archives(self._connection):
                if archive.detached is None:
                    continue
                path = self._plan.folder / archive.name / EVENTS_FILE
                if not path.exists() or await asyncio.to_thread(digest_of, path) != archive.sha256:
                    raise ArchiveDiffers(f"{path} is not there, or not what was archived: {archive.detached} stays")
                await drop(self._connection, archive.first_position, archive.detached)
                dropped.append(archive)
        return dropped

    async def _oldest(self) -> Range:
        archives = await read_archives(self._connection)
        done = {archive.first_position for archive in archives}
        rows = await (await self._connection.execute(SQL.partitions)).fetchall()
        ranges = [Range(partition=name, first=first, until=until) for name, first, until in rows]
        left = [each for each in ranges if each.first not in done]
        if not left:
            raise ArchiveRefused(["there is no partition that is not archived"])
        return left[0]

    async def _reasons(self, positions: Range) -> AsyncIterator[str]:
        connection, plan = self._connection, self._plan
        state = await read_log_state(connection)
        if state.closed_because is not None:
            yield f"the log is closed: {state.closed_because}"
        until = {"until": positions.until}
        row = await (await connection.execute(SQL.in_default, until)).fetchone()
        if row != (False,):
            yield f"events before position {positions.until:,} are in events_default: partitions were not made in time"
        row = await (await connection.execute(SQL.newest_in, until)).fetchone()
        horizon = datetime.now(UTC) - timedelta(days=plan.older_than_days)
        if row is not None and row[0] >= horizon:
            yield f"{positions.partition} has an event of {row[0]:%Y-%m-%d}, less than {plan.older_than_days} days ago"
        parameters = {**until, "topics": _topics()}
        row = await (await connection.execute(SQL.open_dead_letters, parameters)).fetchone()
        if row is not None and row[0]:
            yield f"{row[0]} dead letters of its events are open. See: paystream dlq list"

    async def _not_consumed(self, contents: Contents) -> AsyncIterator[str]:
        """Give what leaves the log, and a consumer has not had yet: so it is published as well."""
        rows = await (await self._connection.execute(SQL.consumed, {"topics": _topics()})).fetchall()
        reached = {(consumer, topic, partition): position for consumer, topic, partition, position in rows}
        known = {(consumer, topic) for consumer, topic, _ in reached}
        for topic in _topics():
            names = sorted({*consumers_of(topic), *(consumer for consumer, of in known if of == topic)})
            for (of, partition), last in sorted(contents.last_left.items()):
                for name in names if of == topic else ():
                    at = reached.get((name, topic, partition), 0)
                    if at < last:
                        yield f"{name} has taken {topic}/{partition} up to position {at:,}, and {last:,} is to leave"


def _topics() -> list[str]:
    return sorted(map(topic_of, LEAVES))


@asynccontextmanager
async def _alone(connection: Connection) -> AsyncIterator[None]:
    """Hold the lock of archiving. Raises ArchiveRefused when another has it."""
    row = await (await connection.execute(SQL.lock)).fetchone()
    if row != (True,):
        raise ArchiveRefused(["another process archives at this moment"])
    try:
        yield
    finally:
        if not connection.closed:
            await connection.execute(SQL.unlock)
