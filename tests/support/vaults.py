"""Vaults on a test's database, with wrapping keys of the test's own."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

from event_store.privacy.cipher import WrappingKeys
from event_store.privacy.vault import Vault
from infra.postgres.pool import create_pool
from infra.postgres.pooling import DIRECT
from tests.support.database import Database

WRAPPING_KEYS: Mapping[str, bytes] = {"test": bytes(range(32))}
METADATA_KEYS = frozenset({"email", "name", "phone", "address"})


@asynccontextmanager
async def open_test_vault(
    database: Database, *, role: str = "app", cache_s: float = 0.0, keys: Mapping[str, bytes] = WRAPPING_KEYS
) -> AsyncIterator[Vault]:
    """Open a vault as a process of this role has it; by default it remembers no key."""
    # Auditors and the owner of the database reach PostgreSQL itself.
    create = partial(create_pool, pooling=DIRECT) if role in {"owner", "audit"} else create_pool
    pool = create(database.url(role), size=2, idle=0, name="test-privacy", autocommit=True)
    vault = Vault(pool, WrappingKeys(keys), metadata_keys=METADATA_KEYS, cache_s=cache_s)
    try:
        yield vault
    finally:
        await vault.close()
