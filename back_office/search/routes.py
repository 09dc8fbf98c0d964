"""The search box of every page."""

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from back_office.office import office_of
from back_office.payments import state
from back_office.search.search import search
from back_office.staff.roles import Permission
from back_office.web.addresses import segment
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

router = APIRouter()


@router.get("/search")
async def show_results(
    request: Request, visitor: Annotated[Visitor, Depends(requires(Permission.SEE_PAYMENTS))], q: str = ""
) -> Response:
    """Show what was found; a single payment at once."""
    text = q.strip()
    may_see_ledger = visitor.may(Permission.SEE_RECONCILIATIONS)
    office = office_of(request)
    found = await search(office.query_api, text, finance_api=office.finance_api if may_see_ledger else None)
    ids = {payment["id"] for each in found for payment in each.payments}
    if len(ids) == 1 and not any(each.more for each in found):
        return RedirectResponse(f"/payments/{segment(ids.pop())}", status_code=303)
    shown = [
        (each, [(payment, state.label(payment), state.tone(payment)) for payment in each.payments]) for each in found
    ]
    return page(request, "search.html", visitor, q=text, found=shown, may_see_ledger=may_see_ledger)
