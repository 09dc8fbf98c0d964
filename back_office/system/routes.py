"""How the system is, as its two APIs say."""

import asyncio
import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from back_office.apis.client import Api
from back_office.apis.errors import ApiAway, ApiRefused, Json
from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.system.rebuilds import projections
from back_office.system.status import outbox_words, readers
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """What one API says of itself and of what it depends on."""

    name: str
    status: str
    checks: dict[str, str]
    took_ms: int | None


@router.get("/system")
async def show_system(
    request: Request, visitor: Annotated[Visitor, Depends(requires(Permission.SEE_SYSTEM))]
) -> Response:
    """Show what answers, and what does not."""
    office = office_of(request)
    command_api, query_api, position, status = await asyncio.gather(
        _ask(office.command_api), _ask(office.query_api), _position(office.query_api), _status(office.admin_api)
    )
    return page(
        request,
        "system/show.html",
        visitor,
        apis=(command_api, query_api),
        position=position,
        parts=status,
        outbox=outbox_words(status["outbox"]) if status else None,
        readers=readers(status["checkpoints"], status["lags"]) if status else (),
    )


@router.get("/rebuilds")
async def show_rebuilds(
    request: Request, visitor: Annotated[Visitor, Depends(requires(Permission.SEE_SYSTEM))]
) -> Response:
    """Show each projection with its newest build, and the commands for what can be done."""
    status = (await office_of(request).admin_api.get("/system")).body
    found = projections(status["checkpoints"], status["builds"])
    return page(request, "system/rebuilds.html", visitor, projections=found, position=status["position"])


async def _ask(api: Api) -> Part:
    began = time.perf_counter()
    try:
        said = await api.health()
    except ApiAway:
        return Part(name=api.name, status="away", checks={}, took_ms=None)
    took_ms = round(1000 * (time.perf_counter() - began))
    return Part(
        name=api.name, status=str(said.get("status", "unknown")), checks=dict(said.get("checks", {})), took_ms=took_ms
    )


async def _status(command_api: Api) -> Json | None:
    """Return how far each part is; None while it cannot be asked."""
    try:
        body = (await command_api.get("/system")).body
    except (ApiAway, ApiRefused):
        return None
    return {"lags": None, **body}  # a command API of an older release does not count them


async def _position(query_api: Api) -> int | None:
    """Return up to which event of the log the read model shows payments; None while it cannot be asked."""
    try:
        return (await query_api.get("/payments", {"limit": 1})).position
    except (ApiAway, ApiRefused):
        return None
