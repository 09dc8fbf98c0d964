"""Explain, resolve and assign a discrepancy."""

from typing import Any

from fastapi import APIRouter

from back_office.office import Office
from back_office.operations.forms import Subject, add_operation
from back_office.operations.operation import StaffOperation
from back_office.staff.roles import Permission
from back_office.web.money import format_money
from back_office.web.words import age_words, difference_words, words

router = APIRouter()

_BACK = "/discrepancies?status=unresolved"

EXPLAIN = StaffOperation(
    name="explain",
    title="Explain a difference",
    button="Explain",
    consequence="It counts as explained, and is no longer open, until it changes.",
    permission=Permission.RESOLVE_DISCREPANCIES,
)
RESOLVE = StaffOperation(
    name="resolve",
    title="Resolve a difference",
    button="Resolve",
    consequence="It counts as gone. A run that finds it again opens it again.",
    permission=Permission.RESOLVE_DISCREPANCIES,
)
ASSIGN = StaffOperation(
    name="assign",
    title="Assign a difference",
    button="Assign",
    consequence="It shows who looks into it. Without a name it is nobody's.",
    permission=Permission.RESOLVE_DISCREPANCIES,
    has_assignee=True,
    needs_reason=False,
)


async def _discrepancy(office: Office, discrepancy_id: str) -> Subject:
    found = (await office.finance_api.get(f"/discrepancies/{discrepancy_id}")).body
    details = [
        ("Difference", f"{difference_words(found['kind'])} ({words(found['category'])}) of {found['date']}"),
        ("Source", found["source_id"]),
        ("At Stripe", _side(found["stripe"])),
        ("In the ledger", _side(found["ledger"])),
        ("Status", f"{words(found['status'])}, for {age_words(found['opened_at'])}"),
        ("Who looks into it", found.get("assignee") or "Nobody"),
    ]
    if found["reason"]:
        details.append(("Said last", found["reason"]))
    return Subject(details=details, back=_BACK, is_possible=found["status"] != "resolved")


def _side(entry: dict[str, Any] | None) -> str:
    return "Nothing" if entry is None else format_money(entry["amount"], entry["currency"])


for _operation in (EXPLAIN, RESOLVE, ASSIGN):
    add_operation(router, _operation, place="/discrepancies", find=_discrepancy)
