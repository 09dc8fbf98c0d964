"""The table of dead letters, for a consumer that holds the lock of a partition's checkpoints."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import TopicPartition
from psycopg.rows import dict_row

from infra.kafka.consumer.checkpoints import D, Delivered
from infra.kafka.consumer.dead_letters.delivery import Delivery
from infra.kafka.consumer.dead_letters.letter import DeadLetter, Reason, error_columns, record_columns
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

SQL = Queries.load(Path(__file__).with_name("store.sql"))


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownLetter:
    """What others of a batch have to know of a dead letter."""

    id: int
    position: int
    previous_position: int
    stream: str | None
    lacking: list[str]
    discarded: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Burial:
    """What is to be written. `lacking`: the checkpoints that did not apply it."""

    delivery: Delivery[Any]
    reason: Reason
    error: BaseException | str
    lacking: Sequence[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Buried:
    """What was written: `id` None when a record without a position was known already."""

    burial: Burial
    id: int | None
    is_new: bool


class Holder:
    """The dead letters of a partition as one checkpoint meets them: see `infra.kafka.consumer.checkpoints.Holding`."""

    def __init__(self, name: str, known: Sequence[KnownLetter]) -> None:
        self._discarded = {letter.position for letter in known if letter.discarded}
        self._previous: dict[int, int] = {}
        self._open: dict[str, list[int]] = {}
        for letter in sorted(known, key=lambda each: each.position):
            if letter.discarded or name in letter.lacking:
                self._previous[letter.position] = letter.previous_position
                if letter.stream is not None and not letter.discarded:
                    self._open.setdefault(letter.stream, []).append(letter.position)
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
        """Whether it was discarded, or an earlier one of its stream is open and does not come before it now."""
        waiting = self._open.get(message.stream, []) if message.stream is not None else []
        if message.position in self._discarded or (waiting and waiting[0] < message.position):
            self._previous[message.position] = message.previous_position
            return True
        if waiting and waiting[0] == message.position:
            del waiting[0]  # everything is being applied again: what waits behind it comes next
        return False

    def is_written(self, position: int) -> bool:
        """Whether the table says already that the event at this position waits, or is given up."""
        return position in self._written


class Letters:
    """The statements, for one consumer and partition, in the caller's transaction."""

    def __init__(self, conn: Connection, consumer: str, partition: TopicPartition) -> None:
        self._conn = conn
        self._key = {"consumer": consumer, "topic": partition.topic, "partition": partition.partition}

    async def known(self, deliveries: Sequence[Delivery[D]], *, above: int) -> list[KnownLetter]:
        """Return what bears on a batch; `above` is the lowest checkpoint. Those in the batch are locked."""
        placed = [delivery for delivery in deliveries if delivery.is_placed]
        await self._run(SQL.lock_at, positions=[delivery.position for delivery in placed])
        streams = sorted({delivery.stream for delivery in placed if delivery.stream is not None})
        return [KnownLetter(**row) for row in await self._run(SQL.known, streams=streams, above=above)]

    async def failures_in_a_row(self, forgiven: int) -> int:
        """Return how many open dead letters are newer than the last success and are not parked ones."""
        (row,) = await self._run(SQL.failures_in_a_row, forgiven=forgiven)
        return int(row["failures"])

    async def newest_open(self) -> int:
        """Return the id of the newest open one, 0 for none."""
        (row,) = await self._run(SQL.newest_open)
        return int(row["newest"])

    async def is_buried_unplaced(self, delivery: Delivery[D]) -> bool:
        """Whether a record without a position is known by its content."""
        return bool(await self._run(SQL.is_buried_unplaced, digest=record_columns(delivery)["digest"]))

    async def bury(self, burials: Sequence[Burial]) -> list[Buried]:
        """Write dead letters."""
        placed = [burial for burial in burials if burial.delivery.is_placed]
        buried = []
        async with self._conn.cursor(row_factory=dict_row) as cursor:
            # In one round trip: many can be parked at once.
            await cursor.executemany(SQL.bury, [self._columns(burial) for burial in placed], returning=True)
            results = cursor.results()
            for burial in placed:
                row = await (await anext(results)).fetchone()
                assert row is not None
                buried.append(Buried(burial=burial, id=row["id"], is_new=row["is_new"]))
        for burial in burials:
            if not burial.delivery.is_placed:
                rows = await self._run(SQL.bury_unplaced, **self._columns(burial))
                buried.append(Buried(burial=burial, id=rows[0]["id"] if rows else None, is_new=bool(rows)))
        return buried

    def _columns(self, burial: Burial) -> dict[str, Any]:
        columns = self._key | record_columns(burial.delivery) | error_columns(burial.reason, burial.error)
        return columns | {"lacking": sorted(burial.lacking)}

    async def applied(self, letter_id: int, names: Sequence[str], resolution: str) -> None:
        """Note that these checkpoints have applied it."""
        await self._run(SQL.applied, id=letter_id, names=list(names), resolution=resolution)

    async def note_in_checkpoints(self, names: Sequence[str], *, forgiven: int = 0) -> bool:
        """Bring what the locked checkpoints say of dead letters up to date; return whether they are to be looked at."""
        rows = await self._run(SQL.note_in_checkpoints, names=list(names), forgiven=forgiven)
        return any(row["look"] for row in rows)

    async def marked(self, *, not_these: Sequence[int]) -> dict[str, Any] | None:
        """Return id, stream and position of the first one whose replay was asked for."""
        rows = await self._run(SQL.marked, not_these=list(not_these))
        return rows[0] if rows else None

    async def first_of_stream(self, marked: Mapping[str, Any]) -> DeadLetter | None:
        """Lock and return the one that has to be applied before all others of the marked one's stream."""
        rows = await self._run(SQL.first_of_stream, **marked)
        return DeadLetter.of(rows[0]) if rows else None

    async def mark_next(self, letter: DeadLetter) -> None:
        """Ask for the replay of what comes next in the stream, on behalf of who asked for this one's."""
        if letter.stream is not None:
            await self._run(SQL.mark_next, stream=letter.stream, asked_by=letter.asked_by)

    async def failed_again(self, letter: DeadLetter, reason: Reason, error: BaseException | str) -> None:
        """Put it back, and with it what waits behind it."""
        await self._run(SQL.failed_again, id=letter.id, **error_columns(reason, error))
        if letter.stream is not None and letter.position is not None:
            await self._run(SQL.unmark_stream, stream=letter.stream)

    async def _run(self, statement: str, **parameters: Any) -> list[dict[str, Any]]:
        async with self._conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement, self._key | parameters)
            return await cursor.fetchall() if cursor.description else []
