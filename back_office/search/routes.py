"""The search box of every page."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from back_office.office import office_of
from back_office.payments import state
from back_office.search.search import Found, search
from back_office.staff.roles import Permission
from back_office.web.addresses import segment
from back_office.web.templates import page
from back_office.web.typed_amounts import looks_like_amount
from back_office.web.visitor import Visitor, requires

router = APIRouter()


@router.get("/search")
async def show_results(
    request: Request, visitor: Annotated[Visitor, Depends(requires(Permission.SEE_PAYMENTS))], q: str = ""
) -> Response:
    """Show what was found; a single payment at once."""
    text = q.strip()
    may_see_ledger, may_see_system = visitor.may(Permission.SEE_RECONCILIATIONS), visitor.may(Permission.SEE_SYSTEM)
    office = office_of(request)
    found = await search(
        office.query_api,
        text,
        finance_api=office.finance_api if may_see_ledger else None,
        admin_api=office.admin_api if may_see_system else None,
    )
    if (only := _only(found)) is not None:
        return RedirectResponse(only, status_code=303)
    shown = [
        (each, [(payment, state.label(payment), state.tone(payment)) for payment in each.payments]) for each in found
    ]
    return page(
        request,
        "search.html",
        visitor,
        q=text,
        found=shown,
        looks_like_amount=looks_like_amount(text),
        may_see_ledger=may_see_ledger,
        may_see_system=may_see_system,
        dashboard=office.stripe_dashboard,
    )


def _only(found: Sequence[Found]) -> str | None:
    """Return the address of what was found, if it is one thing that has a page."""
    payments = {payment["id"] for each in found for payment in each.payments}
    payouts = {each.payout["id"] for each in found if each.payout is not None}
    if any(each.more or each.stripe_event for each in found) or len(payments) + len(payouts) != 1:
        return None
    return f"/payments/{segment(payments.pop())}" if payments else f"/payouts/{segment(payouts.pop())}"
