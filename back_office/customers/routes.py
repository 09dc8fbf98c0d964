"""A customer of the merchant, by the id that payments name."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from back_office.apis.client import Api
from back_office.office import office_of
from back_office.payments import state
from back_office.staff.roles import Permission
from back_office.web.lists import page_links
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

router = APIRouter()

_PAGE = 25


@router.get("/customers")
async def show_customer(
    request: Request,
    visitor: Annotated[Visitor, Depends(requires(Permission.SEE_PAYMENTS))],
    user_id: str = "",
    cursor: str = "",
) -> Response:
    """Show a customer: totals by currency, disputes, and all payments, newest first."""
    totals: list[dict[str, Any]] = []
    disputed: list[dict[str, Any]] = []
    found: dict[str, Any] = {"data": [], "next_cursor": None}
    if user_id.strip():  # the id is taken as it is: blanks around it make it another user's
        query_api = office_of(request).query_api
        summed, found, contested = await asyncio.gather(
            _body(query_api, "/customer-totals", user_id=user_id),
            _body(query_api, "/payments", user_id=user_id, cursor=cursor, limit=str(_PAGE)),
            _body(query_api, "/payments", user_id=user_id, disputed="true", limit=str(_PAGE)),
        )
        totals, disputed = summed["data"], [each for each in contested["data"] if each["dispute"]]
    return page(
        request,
        "customers/show.html",
        visitor,
        user_id=user_id,
        totals=totals,
        disputed=disputed,
        payments=[(each, state.label(each), state.tone(each)) for each in found["data"]],
        is_later_page=bool(cursor),
        pages=page_links("/customers", {"user_id": user_id}, shown=cursor, following=found["next_cursor"]),
    )


async def _body(query_api: Api, path: str, **parameters: str) -> dict[str, Any]:
    return (await query_api.get(path, {name: value for name, value in parameters.items() if value})).body
