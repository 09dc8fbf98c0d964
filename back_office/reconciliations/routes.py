"""Reconciliation runs and discrepancies, to read."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.web.addresses import segment, with_query
from back_office.web.days import NoDay, check_order, parse_day
from back_office.web.filters import ListFilters
from back_office.web.lists import listed, page_links
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

router = APIRouter()

Finance = Annotated[Visitor, Depends(requires(Permission.SEE_RECONCILIATIONS))]

_PAGE = 25


class _Filters(ListFilters):
    status: str = ""
    date_from: str = ""
    date_to: str = ""

    def parameters(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the query API's parameters; and what is wrong, by field: nothing is asked for then."""
        found, wrong = self.given(), dict[str, str]()
        for name in ("date_from", "date_to"):
            try:
                day = parse_day(found.pop(name, ""))
            except NoDay as error:
                wrong[name] = str(error)
            else:
                found |= {} if day is None else {name: day.isoformat()}
        check_order(self.date_from, self.date_to, wrong, field="date_to")
        return {**found, "limit": str(_PAGE), **({"cursor": self.cursor} if self.cursor else {})}, wrong


class RunFilters(_Filters):
    """The filters of the list of runs, as they stand in the address."""


class DiscrepancyFilters(_Filters):
    """The filters of the list of discrepancies."""

    kind: str = ""
    source_id: str = ""
    payment_id: str = ""
    assignee: str = ""
    reconciliation_id: str = ""


@router.get("/reconciliations")
async def list_runs(request: Request, visitor: Finance, filters: Annotated[RunFilters, Query()]) -> Response:
    """Show the reconciled days, newest first."""
    parameters, mistakes = filters.parameters()
    found = await listed(office_of(request).finance_api, "/reconciliations", parameters, mistakes)
    return page(
        request,
        "reconciliations/list.html",
        visitor,
        status=422 if mistakes else 200,
        filters=filters,
        mistakes=mistakes,
        runs=found["data"],
        pages=page_links("/reconciliations", filters.given(), shown=filters.cursor, following=found["next_cursor"]),
    )


@router.get("/reconciliations/{run_id}")
async def show_run(request: Request, visitor: Finance, run_id: str) -> Response:
    """Show the newest run of a day, with its totals and what it found."""
    run = (await office_of(request).finance_api.get(f"/reconciliations/{segment(run_id)}")).body
    parameters = {"reconciliation_id": run["id"], "limit": str(_PAGE)}
    found = (await office_of(request).finance_api.get("/discrepancies", parameters)).body
    return page(
        request,
        "reconciliations/show.html",
        visitor,
        run=run,
        discrepancies=found["data"],
        all_of_them=with_query("/discrepancies", {"reconciliation_id": run["id"]}) if found["has_more"] else None,
    )


@router.get("/discrepancies")
async def list_discrepancies(
    request: Request, visitor: Finance, filters: Annotated[DiscrepancyFilters, Query()]
) -> Response:
    """Show what differs between Stripe and the ledger, newest day first."""
    parameters, mistakes = filters.parameters()
    found = await listed(office_of(request).finance_api, "/discrepancies", parameters, mistakes)
    return page(
        request,
        "reconciliations/discrepancies.html",
        visitor,
        status=422 if mistakes else 200,
        filters=filters,
        mistakes=mistakes,
        discrepancies=found["data"],
        pages=page_links("/discrepancies", filters.given(), shown=filters.cursor, following=found["next_cursor"]),
    )
