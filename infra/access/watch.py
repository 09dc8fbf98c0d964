"""Keeps a keyring as PostgreSQL has it: one short look every few seconds, and all keys again after a change.

The look is away from the append path, and no request waits for it. LISTEN would need a connection of its own in each
process, and is lost in a pooler.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from uuid import UUID

import psycopg
import structlog
from prometheus_client import Counter, Gauge

from infra.access.keyring import ApiKeyring, StoredAccess, StoredKey
from infra.access.principal import NO_MERCHANT, Principal
from infra.postgres.pool import Connection, Pool
from infra.postgres.queries import Queries
from infra.process.pacing import Pacing

log = structlog.get_logger(__name__)

QUERIES = Queries.load(Path(__file__).with_name("access.sql"))

KNOWN = Gauge("api_keys_known", "API keys that PostgreSQL holds and this process knows")
FAILED = Counter("api_keys_refresh_failures_total", "Looks at the stored API keys that failed")

_RECORD_EVERY_S = 60.0
_FIRST_READ_S = 2.0


class KeyWatch:
    """What a process that authenticates runs beside its server."""

    def __init__(self, pool: Pool, keyring: ApiKeyring, *, interval_s: float) -> None:
        """`interval_s`: a change is known after this and a moment."""
        self._pool = pool
        self._keyring = keyring
        self._interval_s = interval_s
        self._revision: UUID | None = None
        self._is_away = False
        self._recording = Pacing(_RECORD_EVERY_S)
        keyring.expect_stored()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Read the keys, for a moment at most, and go on doing so until the block ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_READ_S):
                await self.look()
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            with suppress(asyncio.CancelledError):
                await watching

    async def look(self) -> None:
        """Read what has changed. Never raises: known keys go on for the keyring's bounded time."""
        try:
            async with self._pool.connection() as connection:
                await self._refresh(connection)
        except psycopg.Error as error:
            FAILED.inc()
            if not self._is_away:
                log.warning("api_keys_not_read", error=str(error).strip())
            self._is_away = True
            return
        if self._is_away:
            log.info("api_keys_read_again")
        self._is_away = False

    async def record_use(self) -> None:
        """Record which keys were used. Never raises: on a standby, nothing can be written."""
        used = self._keyring.take_used()
        if not used:
            return
        try:
            async with self._pool.connection() as connection, connection.transaction():
                await connection.execute(QUERIES["read_write"])
                await connection.execute(QUERIES["record_use"], {"key_ids": used})
        except psycopg.Error as error:
            log.debug("api_key_use_not_recorded", error=str(error).strip())

    async def _watch(self) -> None:
        self._recording.begin()
        while True:
            await asyncio.sleep(self._interval_s)
            try:
                await self.look()
                if self._recording.remaining_s == 0:
                    self._recording.begin()
                    await self.record_use()
            except Exception:
                log.exception("api_keys_watch_failed")

    async def _refresh(self, connection: Connection) -> None:
        row = await (await connection.execute(QUERIES["revision"])).fetchone()
        if row is not None and row[0] == self._revision:
            self._keyring.confirm()
            return
        rows = await (await connection.execute(QUERIES["keys"])).fetchall()
        # After the revision, so that they are no older than it says: what is newer has another one.
        merchants = await (await connection.execute(QUERIES["merchants"])).fetchall()
        keys = {row[2]: _stored(*row[1:]) for row in rows if row[1] is not None}
        self._keyring.set_stored(StoredAccess(keys=keys, merchants=frozenset(each[0] for each in merchants)))
        self._revision = rows[0][0] if rows else None
        KNOWN.set(len(keys))


def _stored(
    key_id: str, _prefix: str, sha256: str, merchant_id: str | None, scopes: list[str], expires_at: float | None
) -> StoredKey:
    owner = NO_MERCHANT if merchant_id is None else merchant_id
    principal = Principal(merchant_id=owner, key_id=key_id, scopes=frozenset(scopes))
    return StoredKey(sha256=sha256, principal=principal, expires_at=expires_at)
