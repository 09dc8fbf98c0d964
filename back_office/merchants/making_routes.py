"""Forms that make a merchant, and a key of a merchant, which is shown once."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import structlog
from fastapi import APIRouter, Depends, Request, Response
from starlette.responses import RedirectResponse

from back_office.apis.errors import ApiAway, ApiRefused, Json
from back_office.office import office_of
from back_office.operations.operation import MAX_REASON_CHARS, check_reason
from back_office.staff.roles import Permission
from back_office.web.addresses import segment, with_query
from back_office.web.templates import page
from back_office.web.visitor import Visitor, kept_fields, requires

log = structlog.get_logger(__name__)

router = APIRouter()


SCOPES = ("payments:read", "payments:write", "refunds:write", "webhooks:write", "actor:set")
"""Of a merchant's key, with what each is for in the template."""


def _form_address(request: Request, fields: Mapping[str, str]) -> str:
    """Return the address of the form with the scopes that were ticked."""
    ticked = [(each, "yes") for each in SCOPES if fields.get(each)]
    return with_query(request.url.path, ticked)


Officer = Annotated[Visitor, Depends(requires(Permission.MANAGE_ACCESS, form_page=_form_address))]

_MERCHANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_MOST_NAME_CHARS, _MOST_DAYS = 200, 3650
_OF_THE_FORM = {400, 409, 422, 501}
_UNKNOWN = (
    "The command API did not answer in time: it may have done this, or not. Look at the merchant before you send the "
    "form once more: a key that nobody has seen is to be revoked."
)


@router.get("/new-merchant")
async def show_merchant_form(request: Request, visitor: Officer) -> Response:
    """Ask for what a merchant needs."""
    return _form(request, visitor, "merchants/new_merchant.html", kept_fields(request))


@router.post("/new-merchant")
async def make_merchant(request: Request, visitor: Officer) -> Response:
    """Make a merchant, and show it. Raises FormRefused."""
    fields = await visitor.form(request)
    merchant_id, name = fields.get("merchant_id", "").strip(), fields.get("merchant_name", "").strip()
    mistakes = _reason_mistakes(fields)
    if not _MERCHANT.fullmatch(merchant_id):
        mistakes["merchant_id"] = "A letter or digit, then letters, digits and any of _ . -; 100 at most."
    if not name or len(name) > _MOST_NAME_CHARS or not name.isprintable():
        mistakes["merchant_name"] = f"1 to {_MOST_NAME_CHARS} characters, for people."
    template = "merchants/new_merchant.html"
    if mistakes:
        return _form(request, visitor, template, fields, mistakes=mistakes)
    body = {"id": merchant_id, "name": name, "reason": fields["reason"].strip()}
    made = await _sent(request, visitor, "/merchants", body)
    if isinstance(made, tuple):
        return _form(request, visitor, template, fields, refused=made)
    log.info("staff_merchant_created", merchant_id=merchant_id)
    visitor.session.notice = f"{name} is there. It has no key yet."
    return RedirectResponse(f"/merchants/{segment(merchant_id)}", status_code=303)


@router.get("/new-key")
async def show_key_form(request: Request, visitor: Officer) -> Response:
    """Ask for what a key is to be for."""
    merchant_id = request.query_params.get("merchant_id", "")
    ticked = {each: "yes" for each in SCOPES if request.query_params.get(each)}
    kept = {**kept_fields(request), **ticked, "merchant_id": merchant_id}
    await office_of(request).admin_api.get(f"/merchants/{segment(merchant_id)}")
    return _form(request, visitor, "merchants/key_form.html", kept)


@router.post("/new-key")
async def make_key(request: Request, visitor: Officer) -> Response:
    """Make a key of a merchant, and show it this once. Raises FormRefused."""
    fields = await visitor.form(request)
    merchant_id, days = fields.get("merchant_id", ""), fields.get("days", "").strip()
    scopes = [each for each in SCOPES if fields.get(each)]
    mistakes = _reason_mistakes(fields)
    if not scopes:
        mistakes["scopes"] = "Choose what it is for."
    if days and (not re.fullmatch(r"[1-9][0-9]{0,3}", days) or int(days) > _MOST_DAYS):
        mistakes["days"] = f"A whole number from 1 to {_MOST_DAYS}; empty: until it is revoked."
    if mistakes:
        return _form(request, visitor, "merchants/key_form.html", fields, mistakes=mistakes)
    body = {
        "merchant_id": merchant_id,
        "scopes": scopes,
        "days": int(days) if days else None,
        "reason": fields["reason"].strip(),
    }
    made = await _sent(request, visitor, "/api-keys", body)
    if isinstance(made, tuple):
        return _form(request, visitor, "merchants/key_form.html", fields, refused=made)
    log.info("staff_key_created", merchant_id=merchant_id, key_id=made["id"])
    back = f"/merchants/{segment(merchant_id)}"
    return page(request, "merchants/new_key.html", visitor, status=201, made=made, back=back)


async def _sent(request: Request, visitor: Visitor, path: str, body: Json) -> Json | tuple[int, str]:
    """Return what was made; or the status and the reason that it was not, as the form shows it."""
    try:
        return (await office_of(request).admin_api.post(path, body, visitor.headers(request))).body
    except ApiAway:
        return 503, _UNKNOWN
    except ApiRefused as refused:
        if refused.status not in _OF_THE_FORM:
            raise
        return refused.status, refused.detail


def _reason_mistakes(fields: Mapping[str, str]) -> dict[str, str]:
    mistakes: dict[str, str] = {}
    check_reason(fields.get("reason", "").strip(), mistakes)
    return mistakes


def _form(request: Request, visitor: Visitor, template: str, fields: Mapping[str, str], **shown: Any) -> Response:
    mistakes: Mapping[str, str] = shown.get("mistakes", {})
    status, error = shown.get("refused", (422 if mistakes else 200, ""))
    return page(
        request,
        template,
        visitor,
        status=status,
        fields=fields,
        mistakes=mistakes,
        error=error,
        scopes=SCOPES,
        most_chars=MAX_REASON_CHARS,
    )
