"""The replay of all dead letters of a consumer, with a preview of what it would be about."""

import re
from collections.abc import Mapping
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from back_office.apis.errors import Json
from back_office.office import office_of
from back_office.operations.operation import MAX_REASON_CHARS, check_reason
from back_office.staff.roles import Permission
from back_office.web.addresses import with_query
from back_office.web.forms import FormIncomplete
from back_office.web.templates import page
from back_office.web.visitor import Visitor, kept_fields, requires

log = structlog.get_logger(__name__)

router = APIRouter()


def _preview_address(_: Request, fields: Mapping[str, str]) -> str:
    return with_query("/dead-letters/replay", {"consumer": fields.get("consumer", "")})


Operator = Annotated[Visitor, Depends(requires(Permission.OPERATE, form_page=_preview_address))]


@router.get("/dead-letters/replay")
async def show_replay(request: Request, visitor: Operator, consumer: str = "", limit: str = "") -> Response:
    """Show what a replay of all dead letters of a consumer would be about, and the form for it."""
    return await _replay_page(request, visitor, {**kept_fields(request), "consumer": consumer, "limit": limit})


@router.post("/dead-letters/replay")
async def replay_all(request: Request, visitor: Operator) -> Response:
    """Have them replayed. Raises FormRefused."""
    fields = await visitor.form(request)
    mistakes: dict[str, str] = {}
    reason = fields.get("reason", "").strip()
    check_reason(reason, mistakes)
    try:
        body = {**_replay_body(fields), "reason": reason}
    except FormIncomplete as incomplete:
        mistakes |= incomplete.mistakes
    if mistakes:
        return await _replay_page(request, visitor, fields, mistakes)
    answer = await office_of(request).admin_api.post("/dead-letters/replay", body, visitor.headers(request))
    count = answer.body["count"]
    log.info("staff_replay_requested", consumer=body["consumer"], count=count)
    visitor.session.notice = f"The replay of {count} is requested. The running consumer does it."
    return RedirectResponse("/dead-letters", status_code=303)


async def _replay_page(
    request: Request, visitor: Visitor, fields: Mapping[str, str], mistakes: Mapping[str, str] | None = None
) -> Response:
    api = office_of(request).admin_api
    counts = (await api.get("/system")).body["dead_letters"]
    preview: Json | None = None
    mistakes = dict(mistakes or {})
    if fields.get("consumer"):
        try:
            body = {**_replay_body(fields), "preview": True}
            preview = (await api.post("/dead-letters/replay", body, {})).body
        except FormIncomplete as incomplete:
            mistakes |= incomplete.mistakes
    return page(
        request,
        "dead_letters/replay.html",
        visitor,
        status=422 if mistakes else 200,
        counts=counts,
        consumer=fields.get("consumer", ""),
        limit=fields.get("limit", ""),
        reason=fields.get("reason", ""),
        most_chars=MAX_REASON_CHARS,
        preview=preview,
        mistakes=mistakes,
    )


def _replay_body(fields: Mapping[str, str]) -> dict[str, str | int]:
    """Return which are replayed, for the body of the call. Raises FormIncomplete."""
    consumer, limit = fields.get("consumer", ""), fields.get("limit", "")
    if not limit:
        return {"consumer": consumer}
    if not re.fullmatch(r"[1-9][0-9]{0,5}", limit):
        raise FormIncomplete({"limit": "A whole number from 1 to 999999; empty: all."})
    return {"consumer": consumer, "limit": int(limit)}
