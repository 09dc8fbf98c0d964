"""Encrypts the personal values of events, and reads them in clear: with the keys of their subjects, kept for seconds.

A key that is known costs no round trip. Whether it was destroyed meanwhile is looked up again after `cache_s`, which is
how long an erasure may be behind in a process that had the key.
"""

import time
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any
from uuid import UUID

import orjson
import structlog
from pydantic import SecretStr

from event_store.appends import Append
from event_store.privacy import metrics
from event_store.privacy.attached import attach
from event_store.privacy.cipher import Damaged, DataKey, WrappingKeys
from event_store.privacy.keyring import Keyring, KnownKey
from infra.postgres.pool import Connection, Pool, create_pool
from infra.postgres.pooling import DIRECT, Pooling
from infra.settings.privacy import PrivacySettings, VaultSettings
from schemas.envelope import NewEvent, RecordedEvent
from schemas.events.registry import BY_NAME
from schemas.personal import PersonalValue, Subject
from schemas.personal.encrypted import (
    DAMAGED,
    ENCRYPTED,
    ERASED,
    EncryptedValue,
    has_encrypted,
    hidden,
    key_ids,
    replaced,
)

log = structlog.get_logger(__name__)

_POOL_SIZE = 2


class NoVault:
    """Of a process without wrapping keys: it appends in clear, and of what is encrypted it knows that it is."""

    encrypts = False

    async def encrypt(self, appends: Sequence[Append]) -> Sequence[Append]:
        """Return the appends as they are."""
        return appends

    async def decrypt(self, events: Sequence[RecordedEvent]) -> Sequence[RecordedEvent]:
        """Return the events with `[encrypted]` for each encrypted value."""
        return [replace(each, data=hidden(each.data)) if has_encrypted(each.data) else each for each in events]

    async def attach(self, connection: Connection) -> None:
        """Leave the connection as it is."""


class Vault:
    """Of a process that has wrapping keys. Not safe for several event loops."""

    encrypts = True

    def __init__(
        self,
        pool: Pool,
        wrapping: WrappingKeys,
        *,
        metadata_keys: Collection[str],
        cache_s: float = 5.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`pool` is opened when it is first needed. It is the vault's own: who waits for a key may hold one."""
        self._keyring = Keyring(pool, wrapping, cache_s=cache_s, clock=clock)
        self._metadata_keys = frozenset(metadata_keys)

    async def attach(self, connection: Connection) -> None:
        """Have all that is appended by a connection encrypted: for `create_pool(configure=...)`."""
        attach(connection, self)

    async def close(self) -> None:
        """Close the connections."""
        await self._keyring.close()

    async def encrypt(self, appends: Sequence[Append]) -> Sequence[Append]:
        """Return the appends with their personal values encrypted; what is encrypted already stays as it is.

        Raises infra.errors.Unavailable: nothing may be appended then.
        """
        opened = {
            event.event_id: found
            for item in appends
            for event in item.events
            if not event.is_encrypted and (found := _opened(event, self._metadata_keys)) is not None
        }
        if not opened:
            return appends
        keys = await self._keyring.of({value.subject for _, values in opened.values() for value in values})
        return [
            replace(item, events=tuple(_encrypted(event, opened.get(event.event_id), keys) for event in item.events))
            for item in appends
        ]

    async def decrypt(
        self, events: Sequence[RecordedEvent], *, only: Collection[Subject] | None = None
    ) -> Sequence[RecordedEvent]:
        """Return the events with their personal values in clear; of those that were erased, `[erased]`.

        `only` the values of these subjects; of others, `[encrypted]`. Raises DatabaseUnavailable or UnknownWrappingKey;
        never for what was erased.
        """
        needed = set[UUID]().union(*(key_ids(event.data) for event in events))
        if not needed:
            return events
        keys = await self._keyring.by_id(needed)
        if only is not None:
            keys = {key_id: each for key_id, each in keys.items() if each.subject is None or each.subject in only}
        return [_decrypted(event, keys) for event in events]


AnyVault = Vault | NoVault


def open_vault(settings: VaultSettings, name: str) -> AbstractAsyncContextManager[AnyVault]:
    """Open the vault of a process, by its own database login; without wrapping keys, there is none.

    Never waits: the database is asked when a key is first needed.
    """
    return open_vault_at(settings.database_url, settings, name, pooling=settings.pooling)


@asynccontextmanager
async def open_vault_at(
    database_url: SecretStr, settings: PrivacySettings, name: str, *, pooling: Pooling = DIRECT
) -> AsyncIterator[AnyVault]:
    """Likewise, by another login."""
    if not settings.wrapping_keys:
        log.warning("personal_data_not_encrypted", remedy="set PRIVACY_WRAPPING_KEYS")
        yield NoVault()
        return
    vault = Vault(
        create_pool(
            database_url.get_secret_value(),
            size=_POOL_SIZE,
            idle=0,
            name=f"{name}-privacy",
            autocommit=True,
            pooling=pooling,
        ),
        WrappingKeys(settings.wrapping_keys),
        metadata_keys=settings.privacy_metadata_keys,
        cache_s=settings.privacy_key_cache_s,
    )
    try:
        yield vault
    finally:
        await vault.close()


def _opened(event: NewEvent, metadata_keys: Collection[str]) -> tuple[Any, list[PersonalValue]] | None:
    """Return an event's data and the personal values in it; None when it has none."""
    event_type = BY_NAME.get(event.type)
    if event_type is None or event_type.personal is None:
        return None
    document = orjson.loads(event.data)
    values = list(event_type.personal.find(document, metadata_keys))
    return (document, values) if values else None


def _encrypted(
    event: NewEvent, opened: tuple[Any, list[PersonalValue]] | None, keys: Mapping[Subject, DataKey]
) -> NewEvent:
    if opened is None:
        return event
    document, values = opened
    for each in values:
        each.holder[each.name] = keys[each.subject].encrypt(
            each.value, event_id=event.event_id, pointer=each.pointer, partial=each.partial
        )
    metrics.VALUES_ENCRYPTED.inc(len(values))
    return replace(event, data=orjson.dumps(document), is_encrypted=True)


def _decrypted(event: RecordedEvent, keys: Mapping[UUID, KnownKey]) -> RecordedEvent:
    if not has_encrypted(event.data):
        return event

    def read(value: EncryptedValue, pointer: str) -> Any:
        cached = keys.get(value.key_id)
        if cached is None:
            return ENCRYPTED
        if cached.key is None and not cached.missing:
            return ERASED
        if cached.key is None:
            metrics.VALUES_DAMAGED.inc()
            return DAMAGED
        try:
            return cached.key.decrypt(value, event_id=event.event_id, pointer=pointer)
        except Damaged:
            metrics.VALUES_DAMAGED.inc()
            log.error("personal_data_damaged", event_id=str(event.event_id), pointer=pointer)  # noqa: TRY400 - of the data
            return DAMAGED

    return replace(event, data=orjson.dumps(replaced(orjson.loads(event.data), read)))
