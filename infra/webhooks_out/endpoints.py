"""The rows of `webhooks_out.endpoints`, as merchants and operators see and change them. The caller commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from infra.ids import uuid7
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
from infra.webhooks_out.rotation import PreviousSecret, SigningSecrets
from infra.webhooks_out.secret_box import SecretBox
from infra.webhooks_out.signature import new_secret

_SQL = Queries.load(Path(__file__).with_name("endpoints.sql"))

MOST_ENDPOINTS = 20
"""Of a merchant: each gets a request for every event."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """An endpoint, without its secrets."""

    endpoint_id: UUID
    merchant_id: str
    url: str
    event_types: Sequence[str]
    """Empty: all."""
    description: str
    enabled: bool
    disabled_because: str | None
    failing_since: datetime | None
    failures: int
    previous_secrets_until: Sequence[datetime]
    """Until when secrets that were replaced sign, the first that ends first."""
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointWithSecret:
    """An endpoint and its new secret, which is shown this once."""

    endpoint: Endpoint
    secret: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _StoredSecrets:
    newest: bytes
    previous: Sequence[bytes]
    previous_until: Sequence[datetime]
    now: datetime

    def signing(self) -> SigningSecrets:
        replaced = zip(self.previous, self.previous_until, strict=True)
        previous = tuple(PreviousSecret(secret=secret, signs_until=until) for secret, until in replaced)
        return SigningSecrets(newest=self.newest, previous=previous)


class EndpointExists(Exception):
    """The merchant has an endpoint with this URL."""


class TooManyEndpoints(Exception):
    """The merchant has as many endpoints as it may."""


async def create(
    conn: Connection,
    box: SecretBox,
    *,
    merchant_id: str,
    url: str,
    event_types: Sequence[str],
    description: str,
    enabled: bool,
) -> EndpointWithSecret:
    """Make an endpoint. Raises EndpointExists or TooManyEndpoints."""
    endpoint_id, secret = uuid7(), new_secret()
    values = {
        "endpoint_id": endpoint_id,
        "merchant_id": merchant_id,
        "url": url,
        "event_types": list(event_types),
        "description": description,
        "enabled": enabled,
        "secret": box.encrypt(secret, endpoint_id=endpoint_id),
        "most": MOST_ENDPOINTS,
    }
    await conn.execute(_SQL.lock_merchant, values)
    endpoint = await _one(conn, _SQL.create, values)
    if endpoint is None:
        cursor = await conn.execute(_SQL.find_by_url, values)
        raise TooManyEndpoints if await cursor.fetchone() is None else EndpointExists
    return EndpointWithSecret(endpoint=endpoint, secret=secret)


async def list_endpoints(conn: Connection, *, merchant_id: str | None) -> list[Endpoint]:
    """Return a merchant's endpoints, or (None) those of all merchants."""
    async with conn.cursor(row_factory=class_row(Endpoint)) as cursor:
        await cursor.execute(_SQL.list_of_merchant, {"merchant_id": merchant_id})
        return await cursor.fetchall()


async def find(conn: Connection, endpoint_id: UUID, *, merchant_id: str | None) -> Endpoint | None:
    """Return a merchant's endpoint, or (None) that of any merchant."""
    return await _one(conn, _SQL.find, {"endpoint_id": endpoint_id, "merchant_id": merchant_id})


async def update(
    conn: Connection,
    endpoint_id: UUID,
    *,
    merchant_id: str,
    url: str | None,
    event_types: Sequence[str] | None,
    description: str | None,
    enabled: bool | None,
) -> Endpoint | None:
    """Change what is not None. Raises psycopg.errors.UniqueViolation when another one has the URL."""
    values = {
        "endpoint_id": endpoint_id,
        "merchant_id": merchant_id,
        "url": url,
        "event_types": None if event_types is None else list(event_types),
        "description": description,
        "enabled": enabled,
    }
    return await _one(conn, _SQL.update, values)


async def delete(conn: Connection, endpoint_id: UUID, *, merchant_id: str) -> bool:
    """Delete an endpoint; return whether there was one."""
    cursor = await conn.execute(_SQL.delete, {"endpoint_id": endpoint_id, "merchant_id": merchant_id})
    return await cursor.fetchone() is not None


async def rotate_secret(
    conn: Connection,
    box: SecretBox,
    endpoint_id: UUID,
    *,
    merchant_id: str,
    overlap_s: int,
    end_previous: bool = False,
) -> EndpointWithSecret | None:
    """Give an endpoint a new secret; the one it replaces signs too for `overlap_s`. Raises TooManySecrets.

    Those before that one sign until their own overlap is over, or (`end_previous`) no more.
    """
    key = {"endpoint_id": endpoint_id, "merchant_id": merchant_id}
    cursor = await conn.execute(_SQL.lock, key)
    if await cursor.fetchone() is None:
        return None
    secret = new_secret()
    stored = await _stored_secrets(conn, endpoint_id)
    rotated = stored.signing().rotated(
        box.encrypt(secret, endpoint_id=endpoint_id),
        now=stored.now,
        overlap=timedelta(seconds=overlap_s),
        end_previous=end_previous,
    )
    if end_previous:
        await conn.execute(_SQL.end_previous_secrets, key)
    last = rotated.previous[0] if rotated.previous else None
    values = {
        "endpoint_id": endpoint_id,
        "secret": rotated.newest,
        "previous_secret": None if last is None else last.secret,
        "previous_secret_until": None if last is None else last.signs_until,
    }
    await conn.execute(_SQL.rotate, values)
    endpoint = await _one(conn, _SQL.find, key)
    assert endpoint is not None  # it is locked
    return EndpointWithSecret(endpoint=endpoint, secret=secret)


async def _stored_secrets(conn: Connection, endpoint_id: UUID) -> _StoredSecrets:
    async with conn.cursor(row_factory=class_row(_StoredSecrets)) as cursor:
        await cursor.execute(_SQL.stored_secrets, {"endpoint_id": endpoint_id})
        stored = await cursor.fetchone()
    assert stored is not None  # it is locked
    return stored


async def _one(conn: Connection, statement: Any, values: dict[str, Any]) -> Endpoint | None:
    async with conn.cursor(row_factory=class_row(Endpoint)) as cursor:
        await cursor.execute(statement, values)
        return await cursor.fetchone()
