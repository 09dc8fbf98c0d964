"""What operators do with dead letters: list, request a replay, discard. The running consumers do the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from infra.errors import Missing, Permanent
from infra.kafka.consumer.dead_letters.dead_letter import DeadLetter
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("admin.sql"))


class NoSuchDeadLetter(Permanent, Missing):
    """There is none of that id."""

    def __init__(self, dead_letter_id: int) -> None:
        super().__init__(f"there is no dead letter {dead_letter_id}")
        self.dead_letter_id = dead_letter_id


class AlreadyResolved(Permanent):
    """It was applied or discarded before."""

    def __init__(self, dead_letter: DeadLetter) -> None:
        super().__init__(
            f"dead letter {dead_letter.id} was {dead_letter.status} by {dead_letter.resolved_by}: "
            f"{dead_letter.resolution}"
        )
        self.dead_letter = dead_letter


@dataclass(frozen=True, kw_only=True, slots=True)
class Filter:
    """Which dead letters; None: all."""

    consumer: str | None = None
    stream: str | None = None
    resolved: bool = False
    """Also those that were applied or discarded."""
    limit: int = 50

    def parameters(self) -> dict[str, Any]:
        """Return them as the statements take them."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetterCount:
    """How many of a topic failed for the same reason."""

    topic: str
    reason: str
    count: int


class DeadLetterAdmin:
    """The table of dead letters, for operators."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn

    async def list_dead_letters(self, chosen: Filter) -> tuple[list[DeadLetter], int]:
        """Return the oldest that fit, and how many fit altogether."""
        rows = await self._run(_SQL.listed, chosen.parameters())
        (counted,) = await self._run(_SQL.counted, chosen.parameters())
        return [DeadLetter.of(row) for row in rows], counted["dead_letters"]

    async def load(self, ids: Sequence[int]) -> dict[int, DeadLetter]:
        """Return some dead letters. Raises NoSuchDeadLetter."""
        rows = await self._run(_SQL.by_id, {"ids": list(ids)})
        found = {row["id"]: DeadLetter.of(row) for row in rows}
        for dead_letter_id in ids:
            if dead_letter_id not in found:
                raise NoSuchDeadLetter(dead_letter_id)
        return found

    async def open_of_same_stream(self, dead_letter_id: int) -> list[int]:
        """Return the ids of the open dead letters of its consumer and stream, first the one that others wait for."""
        return [row["id"] for row in await self._run(_SQL.same_stream, {"id": dead_letter_id})]

    async def request_replay(
        self,
        *,
        actor: str,
        reason: str | None = None,
        ids: Sequence[int] = (),
        stream: str | None = None,
        all_of: str | None = None,
        limit: int | None = None,
    ) -> list[int]:
        """Request a replay of these, of a stream, or of all of a consumer that are not resolved; return their ids.

        With a limit, of the oldest so many of the consumer: no record is then replayed before one that it waits for.
        The rows keep the actor and the reason.
        """
        parameters = {
            "actor": actor,
            "reason": reason,
            "ids": list(ids),
            "stream": stream,
            "all_of": all_of,
            "limit": limit,
        }
        return sorted(row["id"] for row in await self._run(_SQL.request_replay, parameters))

    async def preview_replay(self, consumer: str, *, limit: int | None = None) -> list[DeadLetterCount]:
        """Return what a replay of all of a consumer would be about, by topic and reason."""
        rows = await self._run(_SQL.grouped, {"consumer": consumer, "limit": limit})
        return [DeadLetterCount(**row) for row in rows]

    async def discard(self, dead_letter_id: int, *, actor: str, reason: str) -> None:
        """Give one up for good: it is skipped even when its event is delivered again.

        The row keeps the actor and the reason. Raises NoSuchDeadLetter or AlreadyResolved.
        """
        if not await self._run(_SQL.discard, {"id": dead_letter_id, "actor": actor, "reason": reason}):
            raise AlreadyResolved((await self.load([dead_letter_id]))[dead_letter_id])

    async def _run(self, statement: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
        async with self._conn.cursor(row_factory=dict_row) as cursor:
            await cursor.execute(statement, parameters)
            return await cursor.fetchall()
