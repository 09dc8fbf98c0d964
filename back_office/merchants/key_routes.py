"""Rotating an API key, whose successor is shown once, and revoking one."""

from fastapi import APIRouter, Response

from back_office.apis.errors import Json
from back_office.office import Office
from back_office.operations.forms import Attempt, Subject, add_operation
from back_office.operations.operation import StaffOperation
from back_office.staff.roles import Permission
from back_office.web.addresses import segment
from back_office.web.templates import moment, page

router = APIRouter()

ROTATE = StaffOperation(
    name="rotate",
    title="Rotate an API key",
    button="Rotate",
    consequence="It gets a successor with the same scopes, which is shown once, on the next page. The old key ends "
    "after the hours above.",
    permission=Permission.MANAGE_ACCESS,
    has_hours=True,
)
REVOKE = StaffOperation(
    name="revoke",
    title="Revoke an API key",
    button="Revoke",
    consequence="Whoever uses it is refused within seconds. It cannot be undone.",
    permission=Permission.MANAGE_ACCESS,
    is_dangerous=True,
)


async def _key(office: Office, key_id: str) -> Subject:
    key = (await office.admin_api.get(f"/api-keys/{key_id}")).body
    details = [
        ("Key", f"{key['prefix']}..."),
        ("Whose", key["merchant_id"] or "The operator's"),
        ("For", ", ".join(key["scopes"])),
        ("Valid until", moment(key["expires_at"]) or "It is revoked"),
        ("Last used", moment(key["last_used_at"]) or "Never"),
    ]
    back = f"/merchants/{segment(key['merchant_id'])}" if key["merchant_id"] else "/operator-keys"
    return Subject(details=details, back=back, is_possible=not key["revoked_at"])


def _shown_once(attempt: Attempt, made: Json) -> Response:
    """Show the key, which no page has again: going back to it asks for another rotation, which is refused."""
    return page(
        attempt.request, "merchants/new_key.html", attempt.visitor, status=201, made=made, back=attempt.subject.back
    )


add_operation(router, ROTATE, place="/api-keys", find=_key, done=_shown_once)
add_operation(router, REVOKE, place="/api-keys", find=_key)
