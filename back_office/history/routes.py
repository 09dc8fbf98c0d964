"""A payment as it was after any of its events, beside what it was after another."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from back_office.apis.client import Api
from back_office.apis.errors import Json
from back_office.history.differences import differences
from back_office.office import office_of
from back_office.payments import state
from back_office.staff.roles import Permission
from back_office.web.addresses import segment
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

router = APIRouter()


@router.get("/payments/{payment_id}/history")
async def show_history(
    *,
    request: Request,
    visitor: Annotated[Visitor, Depends(requires(Permission.SEE_PAYMENTS))],
    payment_id: str,
    version: str = "",
    before: str = "",
) -> Response:
    """Show what differs between two versions: the newest and the one before it, unless the address says otherwise."""
    query_api, path = office_of(request).query_api, f"/payments/{segment(payment_id)}"
    newest = (await query_api.get(path)).body
    last = int(newest["version"])
    later = _within(version, last, otherwise=last)
    earlier = _within(before, last, otherwise=max(1, later - 1))
    earlier, later = min(earlier, later), max(earlier, later)
    first, second = await asyncio.gather(
        _as_it_was(query_api, path, earlier), _newest_or(query_api, path, newest, later)
    )
    return page(
        request,
        "history/show.html",
        visitor,
        payment=newest,
        last=last,
        earlier=first,
        later=second,
        sentences=(state.sentence(first), state.sentence(second)),
        tones=(state.tone(first), state.tone(second)),
        differences=differences(first, second),
    )


def _within(text: str, last: int, *, otherwise: int) -> int:
    """Return the number of an event that the payment has."""
    number = int(text) if text.isdecimal() and text.isascii() and len(text) < len(str(2**31)) else otherwise
    return min(max(number, 1), last)


async def _newest_or(query_api: Api, path: str, newest: Json, version: int) -> Json:
    """Return the newest where it is the one that is asked for, without asking again."""
    return newest if version == newest["version"] else await _as_it_was(query_api, path, version)


async def _as_it_was(query_api: Api, path: str, version: int) -> Json:
    return (await query_api.get(path, {"version": version})).body
