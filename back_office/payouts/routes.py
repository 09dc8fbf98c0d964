"""The list of payouts, and a payout with what it pays."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response

from back_office.apis.client import Api
from back_office.apis.errors import ApiAway, ApiRefused
from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.web.addresses import segment
from back_office.web.days import span
from back_office.web.filters import ListFilters, check_currency
from back_office.web.lists import listed, page_links
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

router = APIRouter()

Finance = Annotated[Visitor, Depends(requires(Permission.SEE_LEDGER))]

_PAGE = 25
_ITEMS_UNKNOWN = "payout_items_unknown"


class PayoutFilters(ListFilters):
    """The filters of the list, as they stand in the address. Days are of the business zone."""

    status: str = ""
    currency: str = ""
    from_day: str = ""
    to_day: str = ""

    def parameters(self, zone: ZoneInfo) -> tuple[dict[str, str], dict[str, str]]:
        """Return the query API's parameters; and what is wrong, by field: nothing is asked for then."""
        moments, wrong = span(self.from_day, self.to_day, zone)
        check_currency(self.currency, wrong)
        given = {"status": self.status, "currency": self.currency, "cursor": self.cursor, **moments}
        return {name: value for name, value in given.items() if value} | {"limit": str(_PAGE)}, wrong


@router.get("/payouts")
async def list_payouts(request: Request, visitor: Finance, filters: Annotated[PayoutFilters, Query()]) -> Response:
    """Show payouts, newest first."""
    office = office_of(request)
    parameters, mistakes = filters.parameters(office.zone)
    found = await listed(office.finance_api, "/payouts", parameters, mistakes)
    return page(
        request,
        "payouts/list.html",
        visitor,
        status=422 if mistakes else 200,
        filters=filters,
        mistakes=mistakes,
        payouts=found["data"],
        pages=page_links("/payouts", filters.given(), shown=filters.cursor, following=found["next_cursor"]),
    )


@router.get("/payouts/{payout_id}")
async def show_payout(request: Request, visitor: Finance, payout_id: str, cursor: str = "") -> Response:
    """Show a payout, what it pays as Stripe says, and its entries in the ledger."""
    office = office_of(request)
    path = f"/payouts/{segment(payout_id)}"
    payout = (await office.finance_api.get(path)).body
    entries = (await office.finance_api.get("/ledger/entries", {"source_id": payout["id"], "limit": "20"})).body["data"]
    paid, unknown_because = await _paid(office.admin_api, path, cursor)
    following = paid["next_cursor"] if paid else None
    return page(
        request,
        "payouts/show.html",
        visitor,
        payout=payout,
        entries=entries,
        paid=paid["data"] if paid else [],
        unknown_because=unknown_because,
        is_whole=bool(paid) and not following and not cursor,
        pages=page_links(path, {}, shown=cursor, following=following),
        dashboard=office.stripe_dashboard,
    )


async def _paid(command_api: Api, path: str, cursor: str) -> tuple[dict[str, Any] | None, str]:
    """Return a page of what a payout pays; or None and why it cannot be shown now, as the rest of the page can."""
    parameters = {"limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
    try:
        return (await command_api.get(f"{path}/transactions", parameters)).body, ""
    except ApiAway:
        return None, "The command API, which asks Stripe, does not answer. Try again in a moment."
    except ApiRefused as refused:
        if refused.code == _ITEMS_UNKNOWN:
            return None, "Stripe says what a payout pays of automatic ones only. See the ledger's entries below."
        if refused.code.startswith("stripe_"):
            return None, "Stripe does not answer now. Try again in a moment."
        raise
