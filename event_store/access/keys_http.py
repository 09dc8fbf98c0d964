"""The endpoints with which operators manage API keys: what `paystream keys` does."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response

from domain.ids import ApiKeyId, MerchantId
from event_store.access.admin import AccessAdmin, AccessRefused, ListedKey, NoSuchKey, key_of_id, list_keys
from event_store.access.operator_requests import NOT_CONFIGURED, Text, by, configured_keys
from event_store.access.secrets import NewSecret, draw_key
from infra.access.principal import NO_MERCHANT, Principal
from infra.http.operations import READ, WRITE, Operator, answer, documented, operator_of
from infra.postgres.pool import Connection
from schemas.http.access import ApiKeyList, ApiKeyView, ApiKeyWithSecret, CreateApiKeyBody, RotateApiKeyBody
from schemas.http.operations import OperationAnswer, ReasonBody
from schemas.http.strict import Boolean, parse_id
from schemas.http.times import timestamp

router = APIRouter(tags=["access"])

_DAY_S = 24 * 3600
_HOUR_S = 3600

KeyIdPath = Annotated[str, Path(description="The key's id.", json_schema_extra={"format": "uuid"})]


@router.get("/api-keys", **documented(ApiKeyList, READ))
async def list_api_keys(
    request: Request,
    merchant_id: Annotated[Text | None, Query(max_length=100, description="Only of this merchant.")] = None,
    operators: Annotated[Boolean, Query(description="Only those of the operator.")] = False,
    ended: Annotated[Boolean, Query(description="Also those that have ended.")] = False,
) -> Response:
    """List API keys without their secrets: those that PostgreSQL has, and those of API_KEYS."""
    operator = await operator_of(request, READ)
    async with operator.operations.connection() as conn:
        found = await list_keys(conn, merchant_id=merchant_id, ended_too=ended)
    data = [_key(each) for each in found] + [_configured_key(each) for each in configured_keys(request)]
    if operators:
        data = [each for each in data if each["merchant_id"] is None]
    if merchant_id is not None:
        data = [each for each in data if each["merchant_id"] == merchant_id]
    return answer({"data": data})


@router.get("/api-keys/{key_id}", **documented(ApiKeyView, READ, one=True))
async def get_api_key(request: Request, key_id: KeyIdPath) -> Response:
    """Show an API key that PostgreSQL has, without its secret."""
    operator = await operator_of(request, READ)
    async with operator.operations.connection() as conn:
        return answer(_key(await key_of_id(conn, _id(key_id))))


@router.post(
    "/api-keys",
    **documented(
        ApiKeyWithSecret,
        WRITE,
        body=CreateApiKeyBody,
        status=201,
        description="Made; the key is shown this once",
        more_errors=NOT_CONFIGURED,
    ),
)
async def create_api_key(request: Request) -> Response:
    """Make a key of a merchant, or of the operator, and show it once. The APIs take it within seconds."""
    operator = await operator_of(request, WRITE)
    body = await operator.operations.read_body(request, CreateApiKeyBody)
    async with operator.operations.access_connection() as conn:
        secret, now = _drawn(operator), int(time.time())
        if body.merchant_id is None:
            _refuse_more_than_the_callers(operator, body.scopes)
        key_id = await AccessAdmin(conn, by(operator, body.reason)).create_key(
            secret,
            merchant_id=None if body.merchant_id is None else MerchantId(body.merchant_id),
            scopes=frozenset(body.scopes),
            now=now,
            expires_at=None if body.days is None else now + body.days * _DAY_S,
        )
        return await _shown_once(conn, key_id, secret)


@router.post(
    "/api-keys/{key_id}/rotate",
    **documented(
        ApiKeyWithSecret,
        WRITE,
        body=RotateApiKeyBody,
        one=True,
        status=201,
        description="Its successor; the key is shown this once",
        more_errors=NOT_CONFIGURED,
    ),
)
async def rotate_api_key(request: Request, key_id: KeyIdPath) -> Response:
    """Make the successor of a key, as it is and as long-lived, and show it once. A key has one successor."""
    operator = await operator_of(request, WRITE)
    body = await operator.operations.read_body(request, RotateApiKeyBody)
    async with operator.operations.access_connection() as conn:
        secret = _drawn(operator)
        old = await key_of_id(conn, _id(key_id))
        if old.merchant_id is None:
            _refuse_more_than_the_callers(operator, old.scopes)
        new_id = await AccessAdmin(conn, by(operator, body.reason)).rotate_key(
            secret, old, now=int(time.time()), valid_for_s=body.old_valid_hours * _HOUR_S
        )
        return await _shown_once(conn, new_id, secret)


@router.post(
    "/api-keys/{key_id}/revoke",
    **documented(OperationAnswer, WRITE, body=ReasonBody, one=True, description="Done", more_errors=NOT_CONFIGURED),
)
async def revoke_api_key(request: Request, key_id: KeyIdPath) -> Response:
    """End a key. The APIs refuse it within seconds."""
    operator = await operator_of(request, WRITE)
    body = await operator.operations.read_body(request, ReasonBody)
    async with operator.operations.access_connection() as conn:
        key = await key_of_id(conn, _id(key_id))
        is_new = await AccessAdmin(conn, by(operator, body.reason)).revoke_key(key)
    said = "It is revoked. The APIs refuse it within seconds." if is_new else "It was revoked before."
    return answer({"said": said})


def _drawn(operator: Operator) -> NewSecret:
    return draw_key(is_production=operator.operations.access_login.is_production)


def _refuse_more_than_the_callers(operator: Operator, scopes: Iterable[str]) -> None:
    """Raise AccessRefused: whoever may make keys must not become more than they are by one."""
    if more := sorted(set(scopes) - operator.scopes):
        raise AccessRefused(
            f"The key of this request has no {', '.join(more)}, so it gives nobody a key of the operator that has."
        )


async def _shown_once(conn: Connection, key_id: ApiKeyId, secret: NewSecret) -> Response:
    return answer(_key(await key_of_id(conn, key_id)) | {"key": secret.key}, status=201)


def _id(text: str) -> UUID:
    found = parse_id(text)
    if found is None:  # what is no id names none
        raise NoSuchKey("There is no key of that id.")
    return found


def _key(each: ListedKey) -> dict[str, Any]:
    """Return the members of `ApiKeyView`."""
    return {
        "id": each.key_id,
        "prefix": each.prefix,
        "merchant_id": each.merchant_id,
        "scopes": each.scopes,
        "created_at": timestamp(each.created_at),
        "expires_at": _at(each.expires_at),
        "revoked_at": _at(each.revoked_at),
        "replaced_by": each.replaced_by,
        "last_used_at": _at(each.last_used_at),
        "source": "database",
    }


def _configured_key(each: Principal) -> dict[str, Any]:
    return {
        "id": each.key_id,
        "merchant_id": None if each.merchant_id == NO_MERCHANT else each.merchant_id,
        "scopes": sorted(each.scopes),
        "source": "setting",
        **dict.fromkeys(("prefix", "created_at", "expires_at", "revoked_at", "replaced_by", "last_used_at")),
    }


def _at(moment: datetime | None) -> str | None:
    return None if moment is None else timestamp(moment.astimezone(UTC))
