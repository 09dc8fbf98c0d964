"""How far the log is sealed, and who else has signed it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from psycopg.rows import class_row

from event_store.proofs.checkpoint import Checkpoint
from event_store.proofs.note import Note, PublicKey
from event_store.proofs.witnesses import Quorum, configured_witnesses, signed_by_quorum
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from infra.settings.proofs import WitnessesSettings

QUERIES = Queries.load(Path(__file__).with_name("seals.sql"))
MOST_COUNTED: Final = 10_000
"""Of events that are not sealed: more are not counted."""


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedUpTo:
    """The newest checkpoint; `note` is as it was signed."""

    size: int
    last_position: int
    note: str
    sealed_at: datetime

    @property
    def checkpoint(self) -> Checkpoint:
        """Return what was signed."""
        return Checkpoint.parse(Note.parse(self.note).text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cosigned:
    """What a witness has signed: a tree of `size`, or nothing yet. `required`: the settings name it."""

    name: str
    key: str
    required: bool
    size: int | None
    signed_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Seals:
    """All of it. `unsealed` is at most `MOST_COUNTED` + 1."""

    newest: SealedUpTo | None
    unsealed: int
    unsealed_since: datetime | None
    witnesses: Sequence[Cosigned]
    needed: int
    witnessed: int
    """The size of the tree that enough witnesses have signed; 0 where none are required."""


RequiredWitnesses = Quorum
"""Whose signatures the settings want, and how many of them are enough."""
NO_WITNESSES: Final = RequiredWitnesses()


def required_witnesses(settings: WitnessesSettings) -> RequiredWitnesses:
    """Return those of the settings. Raises ProcessFailed."""
    return configured_witnesses(settings).quorum


async def seals(conn: Connection, quorum: RequiredWitnesses) -> Seals:
    """Return how far the log is sealed and witnessed."""
    async with conn.cursor(row_factory=class_row(SealedUpTo)) as cursor:
        await cursor.execute(QUERIES.newest)
        newest = await cursor.fetchone()
    after = 0 if newest is None else newest.last_position
    row = await (await conn.execute(QUERIES.unsealed, {"after": after, "limit": MOST_COUNTED + 1})).fetchone()
    assert row is not None
    rows = await (await conn.execute(QUERIES.cosigned)).fetchall()
    found: Mapping[str, tuple[int, datetime]] = {witness: (size, at) for witness, size, at in rows}
    required = {str(key): key for key in quorum.keys}
    sizes: Mapping[PublicKey, int] = {key: found[text][0] for text, key in required.items() if text in found}
    return Seals(
        newest=newest,
        unsealed=row[0],
        unsealed_since=row[1],
        witnesses=[_cosigned(each, found.get(each), each in required) for each in dict.fromkeys([*required, *found])],
        needed=quorum.needed,
        witnessed=signed_by_quorum(sizes, quorum.needed),
    )


def _cosigned(key: str, signed: tuple[int, datetime] | None, required: bool) -> Cosigned:
    size, at = signed or (None, None)
    return Cosigned(name=PublicKey.parse(key).name, key=key, required=required, size=size, signed_at=at)
