"""Saves and forgets views, and counts what each shows."""

import asyncio
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from back_office.apis.client import Api
from back_office.apis.errors import ApiAway, ApiRefused
from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.views import saved
from back_office.views.saved import NotSaved, View
from back_office.web.addresses import with_query
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

router = APIRouter()


def _form_address(_: Request, fields: Mapping[str, str]) -> str:
    """Return where a view is saved, which is below the list that it shows, or forgotten."""
    try:
        given = saved.filters_of(fields.get("query", "")).given()
    except ValueError:
        given = {}
    return "/payment-views" if "query" not in fields else with_query("/payments", given)


Reader = Annotated[Visitor, Depends(requires(Permission.SEE_PAYMENTS, form_page=_form_address))]

_COUNTED = 1000
_KEPT_S = 400 * 24 * 3600
"""The longest that browsers keep a cookie: https://httpwg.org/http-extensions/draft-ietf-httpbis-rfc6265bis.html"""


@router.get("/payment-views")
async def show_views(request: Request, visitor: Reader) -> Response:
    """Show the views, each with how many payments it has now."""
    views = views_of(request, visitor)
    office = office_of(request)
    counts = await asyncio.gather(*(_count(office.query_api, each, request) for each in views))
    return page(request, "views/show.html", visitor, views=list(zip(views, counts, strict=True)), mistake="")


@router.post("/payment-views")
async def save_view(request: Request, visitor: Reader) -> Response:
    """Save a view, or forget one. Raises FormRefused."""
    fields = await visitor.form(request)
    own = [each for each in views_of(request, visitor) if each.own]
    try:
        if "forget" in fields:
            own = [each for each in own if each.name != fields["forget"]]
            after = "/payment-views"
        else:
            own = saved.with_view(own, fields.get("name", ""), fields.get("query", ""))
            after = f"/payments?{own[-1].query}"
    except NotSaved as error:
        shown = [(each, "") for each in views_of(request, visitor)]
        return page(request, "views/show.html", visitor, status=422, views=shown, mistake=str(error))
    response = RedirectResponse(after, status_code=303)
    response.set_cookie(
        saved.cookie_of(visitor.name),
        saved.write(own),
        max_age=_KEPT_S,
        httponly=True,
        samesite="strict",
        secure=office_of(request).tls,
    )
    return response


def views_of(request: Request, visitor: Visitor) -> list[View]:
    """Return our views, and those that the visitor has saved."""
    return [*saved.OURS, *saved.read(request.cookies.get(saved.cookie_of(visitor.name), ""))]


async def _count(query_api: Api, view: View, request: Request) -> str:
    """Return how many payments a view has, up to a limit; nothing where that cannot be told now."""
    parameters, mistakes = view.filters.parameters(office_of(request).zone)
    if mistakes:
        return ""
    narrowed = {name: value for name, value in parameters.items() if name not in {"limit", "cursor"}}
    try:
        found = (await query_api.get("/payment-count", {**narrowed, "at_most": str(_COUNTED)})).body
    except (ApiAway, ApiRefused):
        return ""
    return f"over {found['count']:,}" if found["has_more"] else f"{found['count']:,}"
