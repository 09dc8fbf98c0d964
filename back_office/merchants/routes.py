"""Merchants: their list with a search, one of them with its API keys and webhook endpoints; the operator's keys."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from back_office.merchants.keys import key_state
from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.web.addresses import segment
from back_office.web.lists import page_links
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires
from back_office.webhooks.deliveries import DeliveryFilters, deliveries_page

router = APIRouter()

Looker = Annotated[Visitor, Depends(requires(Permission.SEE_ACCESS))]

_MOST_CHARS = 100
_PAGE = "50"


@router.get("/merchants")
async def list_merchants(request: Request, visitor: Looker, search: str = "", after: str = "") -> Response:
    """Show merchants, by what stands in their id or name."""
    search = search.strip()[:_MOST_CHARS]
    given = {name: text for name, text in (("search", search), ("after", after[:_MOST_CHARS])) if text}
    found = (await office_of(request).admin_api.get("/merchants", {"limit": _PAGE, **given})).body
    return page(
        request,
        "merchants/list.html",
        visitor,
        merchants=found["data"],
        search=search,
        pages=page_links(
            "/merchants", {"search": search}, shown=after, following=found["next_after"], parameter="after"
        ),
    )


@router.get("/merchants/{merchant_id}")
async def show_merchant(request: Request, visitor: Looker, merchant_id: str, ended: str = "") -> Response:
    """Show a merchant with its keys and endpoints."""
    api, place = office_of(request).admin_api, f"/merchants/{segment(merchant_id)}"
    merchant, keys, endpoints = await asyncio.gather(
        api.get(place),
        api.get("/api-keys", {"merchant_id": merchant_id[:_MOST_CHARS], **_ended(ended)}),
        api.get(f"{place}/webhook-endpoints"),
    )
    return page(
        request,
        "merchants/show.html",
        visitor,
        merchant=merchant.body,
        keys=_with_states(keys.body["data"]),
        endpoints=endpoints.body["data"],
        ended=bool(ended),
        here=place,
    )


@router.get("/merchants/{merchant_id}/webhooks/{endpoint_id}")
async def show_endpoint(
    request: Request,
    visitor: Looker,
    merchant_id: str,
    endpoint_id: str,
    filters: Annotated[DeliveryFilters, Query()],
) -> Response:
    """Show what was sent to an endpoint of a merchant. Only its own back office sends anything once more."""
    merchant = f"/merchants/{segment(merchant_id)}"
    return await deliveries_page(
        request,
        visitor,
        filters,
        api=office_of(request).admin_api,
        endpoint_path=f"{merchant}/webhook-endpoints/{segment(endpoint_id)}",
        address=f"{merchant}/webhooks/{segment(endpoint_id)}",
        can_resend=False,
    )


@router.get("/operator-keys")
async def list_operator_keys(request: Request, visitor: Looker, ended: str = "") -> Response:
    """Show the keys that are no merchant's."""
    found = await office_of(request).admin_api.get("/api-keys", {"operators": "true", **_ended(ended)})
    return page(
        request,
        "merchants/operator_keys.html",
        visitor,
        keys=_with_states(found.body["data"]),
        ended=bool(ended),
        here="/operator-keys",
    )


def _ended(ended: str) -> dict[str, str]:
    return {"ended": "true"} if ended else {}


def _with_states(keys: list[dict[str, Any]]) -> list[tuple[dict[str, Any], Any]]:
    now = datetime.now(UTC)
    return [(each, key_state(each, now)) for each in keys]
