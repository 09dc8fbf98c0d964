"""The rows of `webhooks_out.endpoints`, as merchants and operators see and change them. The caller commits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg.rows import class_row

from infra.ids import uuid7
from infra.postgres.pool import Connection
from infra.postgres.queries import Queries
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
    previous_secret_until: datetime | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class EndpointWithSecret:
    """An endpoint and its new secret, which is shown this once."""

    endpoint: Endpoint
    secret: str


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
    conn: Connection, box: SecretBox, endpoint_id: UUID, *, merchant_id: str, overlap_s: int
) -> EndpointWithSecret | None:
    """Give an endpoint a new secret; the one of before signs too for `overlap_s`."""
    secret = new_secret()
    values = {
        "endpoint_id": endpoint_id,
        "merchant_id": merchant_id,
        "secret": box.encrypt(secret, endpoint_id=endpoint_id),
        "overlap_s": overlap_s,
    }
    endpoint = await _one(conn, _SQL.rotate, values)
    return None if endpoint is None else EndpointWithSecret(endpoint=endpoint, secret=secret)


async def _one(conn: Connection, statement: Any, values: dict[str, Any]) -> Endpoint | None:
    async with conn.cursor(row_factory=class_row(Endpoint)) as cursor:
        await cursor.execute(statement, values)
        return await cursor.fetchone()
