"""The trial balance, and the entries behind it."""

from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request, Response

from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.web.days import NoDay, begin_of, parse_day, span
from back_office.web.filters import ListFilters
from back_office.web.lists import listed, page_links
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

router = APIRouter()

Finance = Annotated[Visitor, Depends(requires(Permission.SEE_LEDGER))]

ACCOUNTS = (
    *("customer_receivable", "stripe_clearing", "stripe_fees", "refunds", "disputes", "payouts_in_transit", "bank"),
    *("currency_conversion", "adjustments"),
)
_PAGE = 25
_TICK = timedelta(microseconds=1)


class EntryFilters(ListFilters):
    """The filters of the list of entries, as they stand in the address. Days are of the business zone."""

    account: str = ""
    currency: str = ""
    source_id: str = ""
    payment_id: str = ""
    from_day: str = ""
    to_day: str = ""

    def parameters(self, zone: ZoneInfo) -> tuple[dict[str, str], dict[str, str]]:
        """Return the query API's parameters; and what is wrong, by field: nothing is asked for then."""
        moments, wrong = span(self.from_day, self.to_day, zone)
        names = ("account", "currency", "source_id", "payment_id", "cursor")
        given = {name: getattr(self, name).strip() for name in names} | moments
        return {name: value for name, value in given.items() if value} | {"limit": str(_PAGE)}, wrong


@router.get("/ledger")
async def show_trial_balance(request: Request, visitor: Finance, day: str = "") -> Response:
    """Show both sides of every account, as of the end of a day of the business zone, or now."""
    office = office_of(request)
    parameters, mistakes = {}, {}
    try:
        if (end := parse_day(day)) is not None:
            parameters = {"as_of": (begin_of(end, office.zone, days_later=1) - _TICK).isoformat()}
    except NoDay as error:
        mistakes = {"day": str(error)}
    found = [] if mistakes else (await office.finance_api.get("/ledger/trial-balance", parameters)).body["data"]
    return page(
        request,
        "ledger/trial_balance.html",
        visitor,
        status=422 if mistakes else 200,
        day=day,
        mistakes=mistakes,
        currencies=found,
    )


@router.get("/ledger/entries")
async def list_entries(request: Request, visitor: Finance, filters: Annotated[EntryFilters, Query()]) -> Response:
    """Show entries, newest first, each with its lines and the event that it is posted by."""
    office = office_of(request)
    parameters, mistakes = filters.parameters(office.zone)
    found = await listed(office.finance_api, "/ledger/entries", parameters, mistakes)
    return page(
        request,
        "ledger/entries.html",
        visitor,
        status=422 if mistakes else 200,
        filters=filters,
        accounts=ACCOUNTS,
        mistakes=mistakes,
        entries=found["data"],
        pages=page_links("/ledger/entries", filters.given(), shown=filters.cursor, following=found["next_cursor"]),
    )
