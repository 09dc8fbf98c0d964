"""The page of an endpoint and what was sent to it, newest first."""

import asyncio

from fastapi import Request, Response

from back_office.apis.client import Api
from back_office.web.addresses import with_query
from back_office.web.filters import Filters
from back_office.web.lists import page_links
from back_office.web.templates import page
from back_office.web.visitor import Visitor

_STATUSES = ("failed", "pending", "delivered")
_PAGE = "25"


class DeliveryFilters(Filters):
    """What stands in the address of the page."""

    status: str = ""
    before: str = ""


async def deliveries_page(
    request: Request,
    visitor: Visitor,
    filters: DeliveryFilters,
    *,
    api: Api,
    endpoint_path: str,
    address: str,
    can_resend: bool,
) -> Response:
    """Show the endpoint that an API has at `endpoint_path`; `address` is that of the page."""
    status = filters.status if filters.status in _STATUSES else ""
    given = {name: text for name, text in (("status", status), ("before", filters.before)) if text}
    endpoint, deliveries = await asyncio.gather(
        api.get(endpoint_path), api.get(f"{endpoint_path}/deliveries", {"limit": _PAGE, **given})
    )
    shown = [("", "All"), *((each, each.capitalize()) for each in _STATUSES)]
    return page(
        request,
        "webhooks/show.html",
        visitor,
        endpoint=endpoint.body,
        deliveries=deliveries.body["data"],
        which=[(name == status, label, with_query(address, {"status": name})) for name, label in shown],
        pages=page_links(
            address,
            {"status": status},
            shown=filters.before,
            following=deliveries.body["next_before"],
            parameter="before",
        ),
        resend_at=f"{address}/deliveries" if can_resend else None,
    )
