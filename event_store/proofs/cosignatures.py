"""The table of signatures of witnesses, which others than we have made."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from psycopg.rows import class_row

from event_store.proofs.note import PublicKey
from event_store.proofs.sealed_log import SealedCheckpoint
from event_store.store import Connection
from infra.postgres.queries import Queries

QUERIES = Queries.load(Path(__file__).with_name("cosignatures.sql"))


@dataclass(frozen=True, kw_only=True, slots=True)
class Cosignature:
    """What a witness, named by its public key as it is written, put below the checkpoint of a size."""

    size: int
    witness: str
    line: str


async def add_cosignature(
    connection: Connection, size: int, witness: PublicKey, line: str, signed_at: datetime
) -> None:
    """Keep one; nothing happens when the witness has signed the checkpoint before."""
    row = {"size": size, "witness": str(witness), "line": line, "signed_at": signed_at}
    await connection.execute(QUERIES.add, row)


async def cosignatures_of(connection: Connection, size: int) -> list[Cosignature]:
    """Return those below the checkpoint of a size."""
    async with connection.cursor(row_factory=class_row(Cosignature)) as cursor:
        await cursor.execute(QUERIES.of_size, {"size": size})
        return await cursor.fetchall()


async def cosignatures_between(connection: Connection, after: int, up_to: int) -> list[Cosignature]:
    """Return those below the checkpoints behind a size, up to another."""
    async with connection.cursor(row_factory=class_row(Cosignature)) as cursor:
        await cursor.execute(QUERIES.after_size, {"size": after, "up_to": up_to})
        return await cursor.fetchall()


async def newest_cosignature(connection: Connection, witness: PublicKey) -> Cosignature | None:
    """Return the one below the largest tree that a witness has signed."""
    async with connection.cursor(row_factory=class_row(Cosignature)) as cursor:
        await cursor.execute(QUERIES.newest_of, {"witness": str(witness)})
        return await cursor.fetchone()


async def newest_with_quorum(
    connection: Connection, witnesses: Sequence[PublicKey], quorum: int, *, up_to: int
) -> SealedCheckpoint | None:
    """Return the newest checkpoint that so many of the witnesses have signed."""
    given = {"witnesses": [str(each) for each in witnesses], "quorum": quorum, "up_to": up_to}
    async with connection.cursor(row_factory=class_row(SealedCheckpoint)) as cursor:
        await cursor.execute(QUERIES.newest_with_quorum, given)
        return await cursor.fetchone()


async def first_sealed_beyond(connection: Connection, size: int) -> datetime | None:
    """Return when the first checkpoint of a larger tree was sealed; None when there is none."""
    row = await (await connection.execute(QUERIES.first_beyond, {"size": size})).fetchone()
    return None if row is None else row[0]
