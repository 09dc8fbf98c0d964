"""The table of dead letters, for a consumer that holds the lock of a partition's checkpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from psycopg.rows import dict_row

from infra.kafka.consumer.dead_letters.dead_letter import DeadLetter, Reason, error_columns, record_columns
from infra.kafka.consumer.dead_letters.delivery import Delivery
from infra.kafka.consumer.selection import D, Delivered
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

SQL = Queries.load(Path(__file__).with_name("store.sql"))


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownDeadLetter:
    """What has to be known of a dead letter to apply other records."""

    id: int
    position: int
    previous_position: int
    stream: str | None
    lacking: list[str]
    discarded: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class NewDeadLetter:
    """A dead letter to be written. `lacking`: the checkpoints that did not apply it."""

    delivery: Delivery[Any]
    reason: Reason
    error: BaseException | str
    lacking: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenDeadLetter:
    """What was written; `id` is None when a record without a position was known already."""

    written: NewDeadLetter
    id: int | None
    is_new: bool


class DeadLetterHolds:
    """`infra.kafka.consumer.selection.Holds` of one checkpoint, from the dead letters of a partition."""

    def __init__(self, name: str, known: Sequence[KnownDeadLetter]) -> None:
        self._discarded = {dead_letter.position for dead_letter in known if dead_letter.discarded}
        self._previous: dict[int, int] = {}
        self._open: dict[str, list[int]] = {}
        for dead_letter in sorted(known, key=lambda each: each.position):
            if dead_letter.discarded or name in dead_letter.lacking:
                self._previous[dead_letter.position] = dead_letter.previous_position
                if dead_letter.stream is not None and not dead_letter.discarded:
                    self._open.setdefault(dead_letter.stream, []).append(dead_letter.position)
        self._written = frozenset(self._previous)

    def bridges(self, previous_position: int, checkpoint: int) -> bool:
        """Whether the dead letters lead from there back to the checkpoint."""
        at = previous_position
        while at > checkpoint:
            before = self._previous.get(at)
            if before is None or before >= at:
                return False
            at = before
        return True

    def hold(self, message: Delivered) -> bool:
        """Whether it was discarded, or an earlier one of its stream is open and not in this batch before it."""
        waiting = self._open.get(message.stream, []) if message.stream is not None else []
        if message.position in self._discarded or (waiting and waiting[0] < message.position):
            self._previous[message.position] = message.previous_position
            return True
        if waiting and waiting[0] == message.position:
            del waiting[0]  # everything is being applied again: the ones behind it come next
        return False

    def is_written(self, position: int) -> bool:
        """Whether the table says already that the event at this position waits, or is given up."""
        return position in self._written


class DeadLetterStore:
    """The table, for one consumer and partition, in the caller's transaction."""

    def __init__(self, conn: Connection, consumer: str, partition: TopicPartition) -> None:
        self._conn = conn
        self._key = {"consumer": consumer, "topic": partition.topic, "partition": partition.partition}

    async def known(self, deliveries: Sequence[Delivery[D]], *, above: int) -> list[KnownDeadLetter]:
        """Return the dead letters that concern a batch, and lock those in it; `above` is the lowest checkpoint."""
        placed = [delivery for delivery in deliveries if delivery.is_placed]
        await self._run(SQL.lock_at, positions=[delivery.position for delivery in placed])
        streams = sorted({delivery.stream for delivery in placed if delivery.stream is not None})
        return [KnownDeadLetter(**row) for row in await self._run(SQL.known, streams=streams, above=above)]

    async def failures_in_a_row(self, acknowledged_through: int) -> int:
        """Count the open dead letters with a larger id that are not parked ones."""
        (row,) = await self._run(SQL.failures_in_a_row, acknowledged_through=acknowledged_through)
        return int(row["failures"])

    async def newest_open(self) -> int:
        """Return the id of the newest open one, 0 for none."""
        (row,) = await self._run(SQL.newest_open)
        return int(row["newest"])

    async def is_known_unplaced(self, delivery: Delivery[D]) -> bool:
        """Whether a record without a position is known by its content."""
        return bool(await self._run(SQL.is_known_unplaced, digest=record_columns(delivery)["digest"]))

    async def insert(self, new: Sequence[NewDeadLetter]) -> list[WrittenDeadLetter]:
        """Write dead letters."""
        placed = [each for each in new if each.delivery.is_placed]
        inserted = []
        async with self._conn.cursor(row_factory=dict_row) as cursor:
            # In one round trip: many can be parked at once.
            await cursor.executemany(SQL.insert, [self._columns(each) for each in placed], returning=True)
            results = cursor.results()
            for each in placed:
                row = await (await anext(results)).fetchone()
                assert row is not None
                inserted.append(WrittenDeadLetter(written=each, id=row["id"], is_new=row["is_new"]))
        for each in new:
            if not each.delivery.is_placed:
                rows = await self._run(SQL.insert_unplaced, **self._columns(each))
                inserted.append(WrittenDeadLetter(written=each, id=rows[0]["id"] if rows else None, is_new=bool(rows)))
        return inserted

    def _columns(self, each: NewDeadLetter) -> dict[str, Any]:
        columns = self._key | record_columns(each.delivery) | error_columns(each.reason, each.error)
        return columns | {"lacking": sorted(each.lacking)}

    async def applied(self, dead_letter_id: int, names: Sequence[str], resolution: str) -> None:
        """Record that these checkpoints have applied it."""
        await self._run(SQL.applied, id=dead_letter_id, names=list(names), resolution=resolution)

    async def update_checkpoints(self, names: Sequence[str], *, acknowledged_through: int = 0) -> bool:
        """Update what the locked checkpoints say of dead letters; return whether the next batch has to look at them."""
        rows = await self._run(SQL.update_checkpoints, names=list(names), acknowledged_through=acknowledged_through)
        return any(row["look"] for row in rows)

    async def marked(self, *, not_these: Sequence[int]) -> dict[str, Any] | None:
        """Return id, stream and position of the first one whose replay was requested."""
        rows = await self._run(SQL.marked, not_these=list(not_these))
        return rows[0] if rows else None

    async def first_of_stream(self, marked: Mapping[str, Any]) -> DeadLetter | None:
        """Lock and return the one that has to be applied before all others of the marked one's stream."""
        rows = await self._run(SQL.first_of_stream, **marked)
        return DeadLetter.of(rows[0]) if rows else None

    async def mark_next(self, dead_letter: DeadLetter) -> None:
        """Request the replay of the next one in the stream, on behalf of whoever requested this one's."""
        if dead_letter.stream is not None:
            await self._run(
                SQL.mark_next,
                stream=dead_letter.stream,
                requested_by=dead_letter.requested_by,
                replay_reason=dead_letter.replay_reason,
            )

    async def failed_again(self, dead_letter: DeadLetter, reason: Reason, error: BaseException | str) -> None:
        """Open it again, and what waits behind it."""
        await self._run(SQL.failed_again, id=dead_letter.id, **error_columns(reason, error))
        if dead_letter.stream is not None and dead_letter.position is not None:
            await self._run(SQL.unmark_stream, stream=dead_letter.stream)

    async def _run(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        async with self._conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement, self._key | parameters)
            return await cursor.fetchall() if cursor.description else []
