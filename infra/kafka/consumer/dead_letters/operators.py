"""What people do with dead letters: look, ask for a replay, give up. The running consumers do the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from infra.errors import InfraError
from infra.kafka.consumer.dead_letters.letter import DeadLetter, Status
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries

_SQL = Queries.load(Path(__file__).with_name("operators.sql"))


class NoSuchDeadLetter(InfraError):
    """There is none of that id."""

    def __init__(self, letter_id: int) -> None:
        super().__init__(f"there is no dead letter {letter_id}")
        self.letter_id = letter_id


class AlreadyResolved(InfraError):
    """It was applied or discarded before."""

    def __init__(self, letter: DeadLetter) -> None:
        super().__init__(f"dead letter {letter.id} was {letter.status} by {letter.resolved_by}: {letter.resolution}")
        self.letter = letter


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


async def list_letters(conn: Connection, chosen: Filter) -> tuple[list[DeadLetter], int]:
    """Return the oldest that fit, and how many fit altogether."""
    rows = await _run(conn, _SQL.listed, chosen.parameters())
    (counted,) = await _run(conn, _SQL.counted, chosen.parameters())
    return [DeadLetter.of(row) for row in rows], counted["letters"]


async def load(conn: Connection, ids: Sequence[int]) -> dict[int, DeadLetter]:
    """Return some dead letters. Raises NoSuchDeadLetter."""
    rows = await _run(conn, _SQL.by_id, {"ids": list(ids)})
    found = {row["id"]: DeadLetter.of(row) for row in rows}
    for letter_id in ids:
        if letter_id not in found:
            raise NoSuchDeadLetter(letter_id)
    return found


async def open_of_same_stream(conn: Connection, letter_id: int) -> list[int]:
    """Return the ids of the open dead letters of its consumer and stream, first the one that the others wait for."""
    return [row["id"] for row in await _run(conn, _SQL.same_stream, {"id": letter_id})]


async def ask_for_replay(
    conn: Connection,
    *,
    who: str,
    ids: Sequence[int] = (),
    stream: str | None = None,
    all_of: str | None = None,
) -> list[int]:
    """Ask for the replay of these, of a stream's, or of all of a consumer's; return the ids. Those resolved stay so."""
    asked = {"who": who, "ids": list(ids), "stream": stream, "all_of": all_of}
    return sorted(row["id"] for row in await _run(conn, _SQL.ask, asked))


async def discard(conn: Connection, letter_id: int, *, who: str, why: str) -> None:
    """Give one up for good: it is passed over even when its event comes again. Who and why are kept in its row.

    Raises NoSuchDeadLetter or AlreadyResolved.
    """
    if not await _run(conn, _SQL.discard, {"id": letter_id, "who": who, "why": why}):
        raise AlreadyResolved((await load(conn, [letter_id]))[letter_id])


def is_resolved(letter: DeadLetter) -> bool:
    """Whether nothing is left to do with it."""
    return letter.status in {Status.APPLIED, Status.DISCARDED}


async def _run(conn: Connection, statement: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    async with conn.cursor(row_factory=dict_row) as cursor:
        await cursor.execute(statement, parameters)
        return await cursor.fetchall()
