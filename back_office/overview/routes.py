"""The overview: what days came to. Each number leads to the rows that it counts."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from back_office.office import office_of
from back_office.overview.figures import currencies, figures
from back_office.overview.filters import OverviewFilters
from back_office.staff.roles import Permission
from back_office.web.days import today
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

router = APIRouter()


@router.get("/overview")
async def show_overview(
    request: Request,
    visitor: Annotated[Visitor, Depends(requires(Permission.SEE_LEDGER))],
    filters: Annotated[OverviewFilters, Query()],
) -> Response:
    """Show money, payments and declines by day of the business zone, of one currency at a time."""
    office = office_of(request)
    days, mistakes = filters.days(today(office.zone))
    shown, others = None, list[str]()
    if days is not None:
        parameters = {
            "date_from": days.first.isoformat(),
            "date_to": days.last.isoformat(),
            "time_zone": office.zone.key,
        }
        moved, counted = await asyncio.gather(
            office.finance_api.get("/ledger/totals", parameters), office.query_api.get("/payment-totals", parameters)
        )
        money, payments = moved.body["data"], counted.body["data"]
        others = currencies(money, payments)
        currency = filters.currency.upper() or (others[0] if others else "")
        if currency:
            shown = figures(currency, days, money, payments)
    return page(
        request,
        "overview/show.html",
        visitor,
        status=422 if mistakes else 200,
        filters=filters,
        mistakes=mistakes,
        days=days,
        shown=shown,
        currencies=others,
    )
