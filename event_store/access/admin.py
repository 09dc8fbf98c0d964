"""What `paystream merchants` and `paystream keys` do: each change is an event and a row, in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

from psycopg.rows import class_row

from domain.access.api_key import (
    ApiKeyCommand,
    ApiKeyState,
    CreateApiKey,
    RevokeApiKey,
    RotateApiKey,
    decide_api_key,
    evolve_api_key,
    evolve_unread_api_key,
)
from domain.access.errors import InvalidApiKey, InvalidMerchant
from domain.access.events import ApiKeyEvent, MerchantCreated
from domain.access.merchant import CreateMerchant, MerchantState, decide_merchant, evolve_merchant, merchant_stream
from domain.errors import DomainError
from domain.ids import ApiKeyId, MerchantId
from event_store.access.log import QUERIES, AccessLog
from event_store.access.secrets import NewSecret
from event_store.decide import Decided, StillConflicting, StreamCommand, decide_and_append
from event_store.streams import Aggregate, LoadedStream
from infra.errors import InfraError, Missing, WrongOption
from infra.ids import uuid7
from infra.postgres.pool import Connection
from schemas.envelope import NO_MERCHANT, EventMetadata
from schemas.events import API_KEY_CODEC, MERCHANT_CODEC

_MERCHANT = Aggregate[MerchantState, MerchantCreated](codec=MERCHANT_CODEC, evolve=evolve_merchant)
_API_KEY = Aggregate[ApiKeyState, ApiKeyEvent](
    codec=API_KEY_CODEC, evolve=evolve_api_key, evolve_unread=evolve_unread_api_key
)


class AccessRefused(InfraError):
    """What was asked for cannot be done; the text is for people."""


class WrongAccessOption(AccessRefused, WrongOption):
    """What was asked for makes no sense, whatever keys and merchants there are."""


class NoSuchMerchant(Missing):
    """There is none of that id."""


class NoSuchKey(Missing):
    """There is none of that id."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedMerchant:
    """A row of the list of merchants."""

    merchant_id: str
    name: str
    created_at: datetime
    valid_keys: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ListedKey:
    """A row of the list of keys. `merchant_id` is None for a key of the operator."""

    key_id: UUID
    prefix: str
    merchant_id: str | None
    scopes: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    replaced_by: UUID | None
    last_used_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class By:
    """Who does it, and why."""

    actor: str
    reason: str
    is_key: bool = False
    """Whether `actor` names an API key, as `api:<key id>/<name>`; else it is a person at the command line."""

    @property
    def recorded_as(self) -> str:
        """The actor in the metadata of events."""
        return self.actor if self.is_key else f"operator:{self.actor}"


class AccessAdmin:
    """The commands on a connection of the role paystream_access. Each raises AccessRefused."""

    def __init__(self, conn: Connection, by: By) -> None:
        self._conn = conn
        self._by = by

    async def create_merchant(self, merchant_id: MerchantId, name: str) -> None:
        """Let a merchant be given keys."""
        command = CreateMerchant(merchant_id=merchant_id, name=name, actor=self._by.actor, reason=self._by.reason)

        def decide(loaded: LoadedStream[MerchantState]) -> Sequence[MerchantCreated]:
            return decide_merchant(loaded.state, command)

        stream_id = merchant_stream(merchant_id)
        what = StreamCommand(stream_id=stream_id, metadata=self._metadata(merchant_id), decide=decide)
        async with self._conn.transaction():
            try:
                await decide_and_append(AccessLog(self._conn), _MERCHANT, [what])
            except (DomainError, StillConflicting) as error:
                raise _refused(error) from error
            await self._conn.execute(QUERIES.insert_merchant, {"merchant_id": merchant_id, "name": name})

    async def create_key(
        self,
        secret: NewSecret,
        *,
        merchant_id: MerchantId | None,
        scopes: frozenset[str],
        now: int,
        expires_at: int | None,
    ) -> ApiKeyId:
        """Make a key of a merchant, or of the operator (None); return its id."""
        async with self._conn.transaction():
            await self._require_merchant(merchant_id)
            return await self._create(
                secret, merchant_id=merchant_id, scopes=scopes, now=now, expires_at=expires_at, replaces=None
            )

    async def rotate_key(self, secret: NewSecret, old: ListedKey, *, now: int, valid_for_s: int) -> ApiKeyId:
        """Make the successor of a key, as it is and as long-lived; the old one stays valid for so long."""
        lifetime_s = None if old.expires_at is None else int((old.expires_at - old.created_at).total_seconds())
        merchant_id = None if old.merchant_id is None else MerchantId(old.merchant_id)
        async with self._conn.transaction():
            new_id = await self._create(
                secret,
                merchant_id=merchant_id,
                scopes=frozenset(old.scopes),
                now=now,
                expires_at=None if lifetime_s is None else now + lifetime_s,
                replaces=ApiKeyId(old.key_id),
            )
            command = RotateApiKey(
                replaced_by=new_id, now=now, valid_for_s=valid_for_s, actor=self._by.actor, reason=self._by.reason
            )
            decided = await self._decide(ApiKeyId(old.key_id), command, merchant_id)
            assert decided.state is not None
            parameters = {"key_id": old.key_id, "replaced_by": new_id, "expires_at": decided.state.expires_at}
            await self._conn.execute(QUERIES.rotate_key, parameters)
        return new_id

    async def revoke_key(self, key: ListedKey) -> bool:
        """End a key at once; return False for one that was revoked before."""
        merchant_id = None if key.merchant_id is None else MerchantId(key.merchant_id)
        command = RevokeApiKey(actor=self._by.actor, reason=self._by.reason)
        async with self._conn.transaction():
            decided = await self._decide(ApiKeyId(key.key_id), command, merchant_id)
            await self._conn.execute(QUERIES.revoke_key, {"key_id": key.key_id})
        return bool(decided.events)

    async def _create(
        self,
        secret: NewSecret,
        *,
        merchant_id: MerchantId | None,
        scopes: frozenset[str],
        now: int,
        expires_at: int | None,
        replaces: ApiKeyId | None,
    ) -> ApiKeyId:
        key_id = ApiKeyId(uuid7())
        command = CreateApiKey(
            key_id=key_id,
            prefix=secret.prefix,
            merchant_id=merchant_id,
            scopes=scopes,
            now=now,
            expires_at=expires_at,
            actor=self._by.actor,
            reason=self._by.reason,
            replaces=replaces,
        )
        await self._decide(key_id, command, merchant_id)
        parameters = {
            "key_id": key_id,
            "prefix": secret.prefix,
            "sha256": secret.sha256,
            "merchant_id": merchant_id,
            "scopes": sorted(scopes),
            "created_at": now,
            "expires_at": expires_at,
        }
        await self._conn.execute(QUERIES.insert_key, parameters)
        return key_id

    async def _decide(
        self, key_id: ApiKeyId, command: ApiKeyCommand, merchant_id: MerchantId | None
    ) -> Decided[ApiKeyState, ApiKeyEvent]:
        what = StreamCommand(
            stream_id=key_id, metadata=self._metadata(merchant_id), decide=partial(_decide, key_id, command)
        )
        try:
            decided = await decide_and_append(AccessLog(self._conn), _API_KEY, [what])
        except (DomainError, StillConflicting) as error:
            raise _refused(error) from error
        return decided[key_id]

    async def _require_merchant(self, merchant_id: MerchantId | None) -> None:
        if merchant_id is None:
            return
        row = await (await self._conn.execute(QUERIES.merchant_exists, {"merchant_id": merchant_id})).fetchone()
        if row is None or not row[0]:
            raise AccessRefused(
                f"there is no merchant {merchant_id}. Remedy: paystream merchants create {merchant_id} --reason ..."
            )

    def _metadata(self, merchant_id: MerchantId | None) -> EventMetadata:
        return EventMetadata(
            correlation_id=f"access-{uuid7()}",
            actor=self._by.recorded_as,
            merchant_id=NO_MERCHANT if merchant_id is None else merchant_id,
        )


async def list_merchants(conn: Connection) -> list[ListedMerchant]:
    """Return all merchants."""
    async with conn.cursor(row_factory=class_row(ListedMerchant)) as cursor:
        await cursor.execute(QUERIES.merchants)
        return await cursor.fetchall()


async def search_merchants(
    conn: Connection, *, search: str | None = None, after: str | None = None, limit: int
) -> list[ListedMerchant]:
    """Return merchants whose id or name has the text in it, from one on, in the order of their ids."""
    async with conn.cursor(row_factory=class_row(ListedMerchant)) as cursor:
        await cursor.execute(QUERIES.search_merchants, {"search": search, "after": after, "limit": limit})
        return await cursor.fetchall()


async def find_merchant(conn: Connection, merchant_id: str) -> ListedMerchant | None:
    """Return a merchant."""
    async with conn.cursor(row_factory=class_row(ListedMerchant)) as cursor:
        await cursor.execute(QUERIES.merchant, {"merchant_id": merchant_id})
        return await cursor.fetchone()


async def key_of_id(conn: Connection, key_id: UUID) -> ListedKey:
    """Return a key. Raises NoSuchKey."""
    for found in await list_keys(conn, beginning=str(key_id), ended_too=True):
        return found
    raise NoSuchKey("There is no key of that id.")


async def list_keys(
    conn: Connection, *, beginning: str | None = None, merchant_id: str | None = None, ended_too: bool = False
) -> list[ListedKey]:
    """Return keys, without those that have ended unless `ended_too`."""
    parameters = {"beginning": beginning, "merchant_id": merchant_id, "ended_too": ended_too}
    async with conn.cursor(row_factory=class_row(ListedKey)) as cursor:
        await cursor.execute(QUERIES["keys"], parameters)
        return await cursor.fetchall()


async def find_key(conn: Connection, named: str) -> ListedKey:
    """Return the one key that is named by its id or its beginning. Raises AccessRefused."""
    found = await list_keys(conn, beginning=named, ended_too=True)
    if not found:
        raise AccessRefused("there is no key of that id, or that begins so. See: paystream keys list --all")
    if len(found) > 1:
        raise AccessRefused(f"{len(found)} keys begin so. Name more of it, or the id: paystream keys list --all")
    return found[0]


def _decide(key_id: ApiKeyId, command: ApiKeyCommand, loaded: LoadedStream[ApiKeyState]) -> Sequence[ApiKeyEvent]:
    return decide_api_key(loaded.state, key_id, command)


def _refused(error: DomainError | StillConflicting) -> AccessRefused:
    kind = WrongAccessOption if isinstance(error, InvalidMerchant | InvalidApiKey) else AccessRefused
    return kind(_text(error))


def _text(error: Exception) -> str:
    return str(error) or "somebody else changes it at this moment: try again"
