"""The pages of auditors, and files of proofs."""

import re
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from back_office.audit.subjects import address_of
from back_office.audit.titles import title_of, via
from back_office.office import office_of
from back_office.staff.roles import Permission
from back_office.web.addresses import segment
from back_office.web.lists import listed, page_links
from back_office.web.templates import page
from back_office.web.visitor import Visitor, requires

router = APIRouter()

Auditor = Annotated[Visitor, Depends(requires(Permission.SEE_AUDIT))]

_NAME = re.compile(r"[A-Za-z0-9._@+-]{1,64}")
_SUBJECT = re.compile(r"[0-9A-Za-z-]{1,64}")
_ROWS = 50


@router.get("/audit")
async def show_seals(request: Request, visitor: Auditor) -> Response:
    """Show how far the log is sealed, and who else has signed it."""
    found = (await office_of(request).query_api.get("/audit/seals")).body
    return page(request, "audit/seals.html", visitor, seals=found, id="", mistakes={})


@router.get("/audit/staff-log")
async def list_staff_actions(request: Request, visitor: Auditor, name: str = "", cursor: str = "") -> Response:
    """Show what people did, newest first."""
    name = name.strip()
    mistakes = {} if not name or _NAME.fullmatch(name) else {"name": "A name, as people log in."}
    filters = {} if mistakes or not name else {"name": name}
    parameters = {"limit": str(_ROWS), **filters} | ({"cursor": cursor} if cursor else {})
    found = await listed(office_of(request).query_api, "/audit/staff-log", parameters, mistakes)
    return page(
        request,
        "audit/staff_log.html",
        visitor,
        status=422 if mistakes else 200,
        actions=[
            (each, title_of(each["type"]), via(each["actor"]), address_of(each["category"], each["stream_id"]))
            for each in found["data"]
        ],
        name=name,
        mistakes=mistakes,
        pages=page_links("/audit/staff-log", filters, shown=cursor, following=found["next_cursor"]),
    )


@router.get("/audit/erasures")
async def list_erasures(request: Request, visitor: Auditor, cursor: str = "") -> Response:
    """Show which users were erased, newest first."""
    parameters = {"limit": str(_ROWS)} | ({"cursor": cursor} if cursor else {})
    found = (await office_of(request).query_api.get("/audit/erasures", parameters)).body
    return page(
        request,
        "audit/erasures.html",
        visitor,
        erasures=found["data"],
        pages=page_links("/audit/erasures", {}, shown=cursor, following=found["next_cursor"]),
    )


@router.get("/audit/proofs")
async def download_proofs(request: Request, visitor: Auditor, id: str = "") -> Response:  # noqa: A002 - the field's name
    """Hand out the proofs of an event or a payment."""
    subject = id.strip()
    if not _SUBJECT.fullmatch(subject):
        found = (await office_of(request).query_api.get("/audit/seals")).body
        mistakes = {"id": "The id of a payment or an event, or the position of an event."}
        return page(request, "audit/seals.html", visitor, status=422, seals=found, id=subject, mistakes=mistakes)
    content = await office_of(request).query_api.file(f"/audit/proofs/{segment(subject)}")
    headers = {"Content-Disposition": f'attachment; filename="proofs-{subject}.zip"'}
    return Response(content, headers=headers, media_type="application/zip")


@router.get("/payments/{payment_id}/causes.svg")
async def show_causes(request: Request, _: Auditor, payment_id: str) -> Response:
    """Show the picture of what led to what."""
    content = await office_of(request).query_api.file(f"/audit/payments/{segment(payment_id)}/causes")
    return Response(content, media_type="image/svg+xml")
