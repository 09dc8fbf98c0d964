"""The endpoints with which operators manage merchants: what `paystream merchants` does."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from domain.ids import MerchantId
from event_store.access.admin import AccessAdmin, ListedMerchant, NoSuchMerchant, find_merchant, search_merchants
from event_store.access.operator_requests import NOT_CONFIGURED, Text, by, configured_keys
from infra.access.principal import NO_MERCHANT
from infra.http.operations import READ, WRITE, Operator, answer, documented, operator_of
from infra.postgres.pool import Connection
from schemas.http.access import CreateMerchantBody, MerchantPage, MerchantView
from schemas.http.strict import IN_DIGITS
from schemas.http.times import timestamp

router = APIRouter(tags=["access"])

MerchantIdPath = Annotated[str, Path(description="The merchant's id.")]


@router.get("/merchants", **documented(MerchantPage, READ))
async def list_merchants(
    request: Request,
    search: Annotated[
        Text | None, Query(max_length=100, description="Only those with this in their id or name.")
    ] = None,
    after: Annotated[Text | None, Query(max_length=100, description="The `next_after` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="How many to list at most."), IN_DIGITS] = 50,
) -> Response:
    """List merchants in the order of their ids; on the first page before them those that only API_KEYS names."""
    operator = await operator_of(request, READ)
    async with operator.operations.connection() as conn:
        found = await search_merchants(conn, search=search, after=after, limit=limit + 1)
        configured = [] if after is not None else await _only_configured(conn, request, search or "")
    page = found[:limit]
    keys_of = _keys_by_merchant(request)
    return answer(
        {
            "data": configured + [_merchant(each, keys_of.get(each.merchant_id, 0)) for each in page],
            "next_after": page[-1].merchant_id if len(found) > len(page) else None,
        }
    )


@router.get("/merchants/{merchant_id}", **documented(MerchantView, READ, one=True))
async def get_merchant(request: Request, merchant_id: MerchantIdPath) -> Response:
    """Show a merchant."""
    return answer(await merchant_of(request, await operator_of(request, READ), merchant_id))


async def merchant_of(request: Request, operator: Operator, merchant_id: str) -> dict[str, Any]:
    """Return the members of `MerchantView`. An unknown one is 404."""
    keys = _keys_by_merchant(request).get(merchant_id, 0)
    async with operator.operations.connection() as conn:
        found = None if "\x00" in merchant_id else await find_merchant(conn, merchant_id)
        if found is None and not keys:
            raise NoSuchMerchant("There is no merchant of that id.")
    return _configured_merchant(merchant_id, keys) if found is None else _merchant(found, keys)


@router.post(
    "/merchants",
    **documented(
        MerchantView, WRITE, body=CreateMerchantBody, status=201, description="Created", more_errors=NOT_CONFIGURED
    ),
)
async def create_merchant(request: Request) -> Response:
    """Let a merchant be given keys. With a second one, merchants' keys of API_KEYS lose scopes of the whole account."""
    operator = await operator_of(request, WRITE)
    body = await operator.operations.read_body(request, CreateMerchantBody)
    async with operator.operations.access_connection() as conn:
        await AccessAdmin(conn, by(operator, body.reason)).create_merchant(MerchantId(body.id), body.name)
        made = await find_merchant(conn, body.id)
    assert made is not None
    return answer(_merchant(made, _keys_by_merchant(request).get(body.id, 0)), status=201)


def _keys_by_merchant(request: Request) -> dict[str, int]:
    counts: dict[str, int] = {}
    for each in configured_keys(request):
        if each.merchant_id != NO_MERCHANT:
            counts[each.merchant_id] = counts.get(each.merchant_id, 0) + 1
    return counts


async def _only_configured(conn: Connection, request: Request, search: str) -> list[dict[str, Any]]:
    """Return the merchants that only API_KEYS names."""
    return [
        _configured_merchant(merchant_id, keys)
        for merchant_id, keys in sorted(_keys_by_merchant(request).items())
        if search.lower() in merchant_id.lower() and await find_merchant(conn, merchant_id) is None
    ]


def _configured_merchant(merchant_id: str, keys: int) -> dict[str, Any]:
    return {"id": merchant_id, "name": merchant_id, "created_at": None, "valid_keys": keys, "source": "setting"}


def _merchant(each: ListedMerchant, configured_keys: int) -> dict[str, Any]:
    """Return the members of `MerchantView`."""
    return {
        "id": each.merchant_id,
        "name": each.name,
        "created_at": timestamp(each.created_at),
        "valid_keys": each.valid_keys + configured_keys,
        "source": "database",
    }
