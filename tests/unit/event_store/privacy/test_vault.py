"""Events through a vault whose keys are in memory: what is read is what was written, until it is erased."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.ids import KeyId, UserId
from domain.payment.requests import RESERVED_METADATA_PREFIX
from event_store.appends import Append
from event_store.privacy import keyring
from event_store.privacy.cipher import KeyJustDestroyed, UnknownWrappingKey, WrappedKey, WrappingKeys
from event_store.privacy.vault import NoVault, Vault
from infra.ids import uuid7
from infra.postgres.pool import Pool
from schemas.envelope import RecordedEvent
from schemas.events import PAYMENT_CODEC
from schemas.personal import EncryptedValue, Subject
from tests.support.personal_payments import DESCRIPTION, METADATA, SUBJECT, a_payment

WORDS = frozenset({"email", "name", "phone", "address"})
TEXTS = st.text(max_size=30)
NAMES = st.text(st.characters(exclude_characters="[]", exclude_categories=["Cs"]), min_size=1, max_size=30).filter(
    lambda name: not name.startswith(RESERVED_METADATA_PREFIX)
)


@dataclass
class Keys:
    """What the database has."""

    kept: dict[Subject, WrappedKey] = field(default_factory=dict)
    burned: set[UUID] = field(default_factory=set)
    gone: dict[Subject, KeyId] = field(default_factory=dict)
    refuses: bool = False

    async def ensure(self, _: object, offered: Sequence[WrappedKey]) -> list[WrappedKey]:
        if self.refuses:
            return []
        return [self.kept.setdefault(each.subject, each) for each in offered if each.subject not in self.gone]

    async def erased(self, _: object, subjects: Collection[Subject]) -> dict[Subject, KeyId]:
        return {each: self.gone[each] for each in subjects if each in self.gone}

    async def find(self, _: object, key_ids: Collection[UUID]) -> list[WrappedKey]:
        return [each for each in self.kept.values() if each.key_id in key_ids]

    async def burnt(self, _: object, key_ids: Collection[UUID]) -> set[UUID]:
        return self.burned & set(key_ids)

    def destroy(self, subject: Subject) -> None:
        self.burned.add(self.kept.pop(subject).key_id)


class _NoPool:
    closed = True

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[None]:
        yield None


@contextmanager
def in_memory() -> Iterator[Keys]:
    """Have vaults find their keys here."""
    found = Keys()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keyring, "ensure_keys", found.ensure)
        patch.setattr(keyring, "erased_keys", found.erased)
        patch.setattr(keyring, "find_keys", found.find)
        patch.setattr(keyring, "burned_keys", found.burnt)
        yield found


@pytest.fixture
def keys() -> Iterator[Keys]:
    with in_memory() as found:
        yield found


def a_vault(wrapping: WrappingKeys | None = None, *, cache_s: float = 0) -> Vault:
    """Return a vault; by default it remembers nothing."""
    pool = cast("Pool", _NoPool())
    return Vault(pool, wrapping or WrappingKeys({"a": bytes(32)}), metadata_keys=WORDS, cache_s=cache_s)


def recorded(item: Append) -> RecordedEvent:
    (event,) = item.events
    return RecordedEvent(
        position=1,
        event_id=event.event_id,
        stream_id=item.stream_id,
        version=1,
        category=item.category,
        type=event.type,
        schema_version=event.schema_version,
        data=event.data,
        metadata=event.metadata,
        recorded_at=datetime.now(UTC),
    )


async def written(vault: Vault, item: Append) -> RecordedEvent:
    (encrypted,) = await vault.encrypt([item])
    return recorded(encrypted)


async def read(vault: Vault | NoVault, event: RecordedEvent) -> tuple[str | None, dict[str, str]]:
    (clear,) = await vault.decrypt([event])
    requested: Any = PAYMENT_CODEC.decode(clear)
    return requested.description, requested.metadata


@given(st.none() | TEXTS.filter(bool), st.dictionaries(NAMES, TEXTS, max_size=4))
def test_whatever_is_written_is_read(description: str | None, metadata: dict[str, str]) -> None:
    async def write_and_read() -> tuple[str | None, dict[str, str]]:
        vault = a_vault()
        return await read(vault, await written(vault, a_payment(description=description, metadata=metadata)))

    with in_memory():
        assert asyncio.run(write_and_read()) == (description, metadata)


async def test_nothing_personal_is_in_what_is_recorded(keys: Keys) -> None:
    event = await written(a_vault(), a_payment())
    assert not any(text.encode() in event.data for text in (DESCRIPTION, METADATA["email"], METADATA["customerName"]))
    assert list(keys.kept) == [SUBJECT]


async def test_what_is_encrypted_stays_as_it_is(keys: Keys) -> None:
    vault = a_vault()
    once = await vault.encrypt([a_payment()])
    assert await vault.encrypt(once) == once
    assert len(keys.kept) == 1


async def test_the_erased_reads_so_and_others_stay(keys: Keys) -> None:
    vault = a_vault()
    gone = await written(vault, a_payment())
    kept = await written(vault, a_payment(user_id=UserId("somebody_else")))
    keys.destroy(SUBJECT)
    assert await read(vault, gone) == ("[erased]", {"email": "[erased]", "customerName": "[erased]", "order": "A-1001"})
    assert await read(vault, kept) == (DESCRIPTION, METADATA)


async def test_an_erased_subject_is_erased_from_its_first_event(keys: Keys) -> None:
    """Also in the process that wrote it, which may remember with what."""
    keys.gone[SUBJECT] = burned = KeyId(uuid7())
    keys.burned.add(burned)
    vault = a_vault(cache_s=60)
    for _ in range(2):
        event = await written(vault, a_payment())
        assert (await read(vault, event))[0] == (await read(a_vault(), event))[0] == "[erased]"
    kept = await written(vault, a_payment(user_id=UserId("somebody_else")))
    assert await read(vault, kept) == (DESCRIPTION, METADATA)


async def test_a_key_that_nobody_destroyed_is_missed(keys: Keys) -> None:
    vault = a_vault()
    event = await written(vault, a_payment())
    keys.kept.clear()
    assert (await read(vault, event))[0] == "[damaged]"


async def test_a_value_of_another_field_is_not_believed(keys: Keys) -> None:
    vault = a_vault()
    event = await written(vault, a_payment())
    document = orjson.loads(event.data)
    document["description"] = document["metadata"]["email"]
    assert EncryptedValue.parse(document["description"]) is not None
    assert await read(vault, replace(event, data=orjson.dumps(document))) == ("[damaged]", METADATA)
    assert keys.kept


async def test_only_the_values_of_some_subjects_are_shown(keys: Keys) -> None:
    vault = a_vault()
    event = await written(vault, a_payment())
    (clear,) = await vault.decrypt([event], only=[Subject.user("merchant_test", "somebody_else")])
    assert orjson.loads(clear.data)["description"] == "[encrypted]"
    assert keys.kept


async def test_who_has_no_keys_reads_that_it_is_encrypted(keys: Keys) -> None:
    event = await written(a_vault(), a_payment())
    assert (await read(NoVault(), event))[0] == "[encrypted]"
    in_clear = recorded(a_payment())
    assert await read(NoVault(), in_clear) == await read(a_vault(), in_clear) == (DESCRIPTION, METADATA)
    assert keys.kept


async def test_nothing_is_written_without_a_key(keys: Keys) -> None:
    await written(a_vault(), a_payment())
    with pytest.raises(UnknownWrappingKey):
        await a_vault(WrappingKeys({"b": bytes(32)})).encrypt([a_payment()])
    keys.refuses = True
    with pytest.raises(KeyJustDestroyed):
        await a_vault().encrypt([a_payment()])
