"""Erases a customer's personal data, or hands all of it out: after a preview, with a reason, and recorded."""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from back_office.apis.errors import ApiRefused
from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.web.addresses import with_query
from back_office.web.templates import page
from back_office.web.visitor import Visitor, kept_fields, requires

router = APIRouter()

_CONFLICT = 409


def _preview_address(_: Request, fields: Mapping[str, str]) -> str:
    return with_query("/customers/personal-data", {"user_id": fields.get("user_id", "")})


Officer = Annotated[Visitor, Depends(requires(Permission.PERSONAL_DATA, form_page=_preview_address))]


@router.get("/customers/personal-data")
async def show_preview(request: Request, visitor: Officer, user_id: str = "") -> Response:
    """Show what an erasure would reach and what not, with the forms."""
    return await _preview(request, visitor, user_id, filled=kept_fields(request))


@router.post("/customers/erase")
async def erase(request: Request, visitor: Officer) -> Response:
    """Erase; show the receipt. Raises FormRefused."""
    fields = await visitor.form(request)
    user_id, reason = fields.get("user_id", ""), fields.get("reason", "").strip()
    mistakes = _mistakes("reason", reason) | (
        {} if fields.get("confirmed") == user_id else {"confirmed": "Write the user's id, exactly as above."}
    )
    if mistakes:
        return await _preview(request, visitor, user_id, mistakes=mistakes, filled=fields)
    body = {"user_id": user_id, "reason": reason}
    try:
        done = (await office_of(request).command_api.post("/privacy/erasures", body, visitor.headers(request))).body
    except ApiRefused as refused:
        if refused.status != _CONFLICT:
            raise
        return await _preview(request, visitor, user_id, error=refused.detail, filled=fields)
    return page(request, "customers/erased.html", visitor, user_id=user_id, done=done)


@router.post("/customers/hand-out")
async def hand_out(request: Request, visitor: Officer) -> Response:
    """Hand out everything about a customer, as a file. Raises FormRefused."""
    fields = await visitor.form(request)
    user_id, reason = fields.get("user_id", ""), fields.get("export_reason", "").strip()
    mistakes = _mistakes("export_reason", reason)
    if mistakes:
        return await _preview(request, visitor, user_id, mistakes=mistakes, filled=fields)
    body = {"user_id": user_id, "reason": reason}
    found = (await office_of(request).command_api.post("/privacy/exports", body, visitor.headers(request))).body
    headers = {"Content-Disposition": 'attachment; filename="customer.json"', "Cache-Control": "no-store"}
    return Response(orjson.dumps(found, option=orjson.OPT_INDENT_2), headers=headers, media_type="application/json")


async def _preview(
    request: Request,
    visitor: Visitor,
    user_id: str,
    *,
    mistakes: dict[str, str] | None = None,
    error: str = "",
    filled: Any = None,
) -> Response:
    found = (await office_of(request).command_api.get("/privacy/user-data", {"user_id": user_id})).body
    return page(
        request,
        "customers/personal_data.html",
        visitor,
        status=422 if mistakes else _CONFLICT if error else 200,
        found=found,
        user_id=user_id,
        mistakes=mistakes or {},
        error=error,
        filled=filled or {},
    )


def _mistakes(field: str, reason: str) -> dict[str, str]:
    return {} if reason else {field: "Say why: it is written into the log."}
