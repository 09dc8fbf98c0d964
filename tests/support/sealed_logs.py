"""A log that is sealed into a folder, and what an auditor finds of it."""

import random
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

import psycopg

from domain.ids import PaymentId
from event_store.proofs.note import PrivateKey
from event_store.proofs.report import Verified
from event_store.proofs.tile_folder import TileFolder
from event_store.proofs.tile_store import TileStore
from event_store.proofs.verify import Source, Verification
from event_store.proofs.witnesses import Quorum
from event_store.sealer.sealing import Sealing
from event_store.store import Connection
from tests.support.database import Database
from tests.support.payment_histories import random_history
from tests.support.read_model import Stream, store

KEY = PrivateKey.new("example.com/paystream")


@dataclass(frozen=True, kw_only=True)
class SealedLog:
    """A database, and the folder into which its log is sealed."""

    database: Database
    app: Connection
    folder: TileFolder
    keys: Sequence[PrivateKey] = (KEY,)
    batch: int = 1000

    async def append(self, *, payments: int, seed: int = 0) -> list[uuid.UUID]:
        """Append the events of some payments, mixed; return their ids."""
        histories = _histories(payments, seed)
        await store(self.app, histories, rng=random.Random(seed))
        return [payment_id for payment_id, _ in histories]

    async def seal(self, *, keys: Sequence[PrivateKey] | None = None, batch: int | None = None) -> int:
        """Seal all that is new, by a sealer that was just started; return how many events that were."""
        sealing = self.sealing(self.folder, keys=keys, batch=batch)
        count = 0
        async with self.connection("sealer") as sealer:
            while sealed := await sealing.seal(sealer):
                count += sealed
        return count

    def sealing(
        self, store: TileStore, *, keys: Sequence[PrivateKey] | None = None, batch: int | None = None
    ) -> Sealing:
        """Return what seals into another place."""
        return Sealing(store, keys or self.keys, batch=batch or self.batch)

    async def verify(
        self,
        *,
        quorum: Quorum | None = None,
        full: bool = False,
        since: int | datetime | None = None,
        others: Sequence[Source] = (),
        keys: Sequence[PrivateKey] | None = None,
    ) -> Verified:
        """Return what an auditor finds."""
        public = [key.public for key in keys or self.keys]
        async with self.connection("audit") as auditor:
            return await Verification(auditor, self.folder, public, quorum=quorum, full=full).run(
                since=since, others=others
            )

    async def tamper(self, *statements: str) -> None:
        """Change the log as a superuser can, in one transaction, with triggers disabled."""
        async with self.connection("owner") as owner, owner.transaction():
            await owner.execute("SET LOCAL session_replication_role = replica")
            for statement in statements:
                changed = await owner.execute(statement)
                assert changed.rowcount != 0, statement

    async def positions(self) -> list[int]:
        """Return the positions of the log."""
        async with self.connection("owner") as owner:
            rows = await owner.execute("SELECT position FROM event_store.events ORDER BY position")
            return [row[0] for row in await rows.fetchall()]

    @asynccontextmanager
    async def connection(self, role: str) -> AsyncIterator[Connection]:
        """Lend a connection of a role in autocommit."""
        async with await psycopg.AsyncConnection.connect(self.database.url(role), autocommit=True) as connection:
            yield connection


@cache
def _histories(payments: int, seed: int) -> Sequence[Stream]:
    rng = random.Random(seed)
    ids = [PaymentId(uuid.UUID(int=rng.getrandbits(128), version=4)) for _ in range(payments)]
    return [(each, random_history(rng, payment_id=each, steps=20)) for each in ids]


def sealed_log(database: Database, app: Connection, path: Path) -> SealedLog:
    """Return a log that is not sealed yet."""
    return SealedLog(database=database, app=app, folder=TileFolder(path))
