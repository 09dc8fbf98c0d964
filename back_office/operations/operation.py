"""What an operation of staff is: what its form says and asks for, and the body of the call that follows. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from back_office.staff.roles import Permission
from back_office.web.forms import FormIncomplete

Json = dict[str, Any]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9._@+-]{0,63}")
MAX_REASON_CHARS = 500
MOST_OLD_VALID_HOURS = 720
"""The command API's."""


def check_reason(reason: str, mistakes: dict[str, str]) -> None:
    """Add to `mistakes`, which is by field, what is wrong with a reason."""
    if not reason:
        mistakes["reason"] = "Say why: it is recorded."
    elif len(reason) > MAX_REASON_CHARS:
        mistakes["reason"] = f"{MAX_REASON_CHARS} characters at most; these are {len(reason)}."


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffOperation:
    """Something that staff do to one thing, such as a task. It stands in the module whose routes have it."""

    name: str
    title: str
    button: str
    consequence: str
    """What will happen, in words."""
    permission: Permission
    is_dangerous: bool = False
    has_assignee: bool = False
    has_force: bool = False
    force_label: str = ""
    has_hours: bool = False
    needs_reason: bool = True

    def body(self, fields: Mapping[str, str]) -> Json:
        """Return the body of the call. Raises FormIncomplete."""
        mistakes: dict[str, str] = {}
        body: Json = {}
        reason = fields.get("reason", "").strip()
        if reason or self.needs_reason:
            check_reason(reason, mistakes)
        if reason:
            body["reason"] = reason
        if self.has_assignee:
            body["assignee"] = assignee = fields.get("assignee", "").strip() or None
            if assignee is not None and not _NAME.fullmatch(assignee):
                mistakes["assignee"] = "A name, as people log in: a letter, then letters, digits and any of . _ @ + -"
        if self.has_hours:
            hours = fields.get("hours", "").strip()
            if not re.fullmatch(r"[0-9]{1,3}", hours) or int(hours) > MOST_OLD_VALID_HOURS:
                mistakes["hours"] = f"A whole number from 0 to {MOST_OLD_VALID_HOURS}."
            else:
                body["old_valid_hours"] = int(hours)
        if self.has_force and fields.get("force"):
            body["force"] = True
        if mistakes:
            raise FormIncomplete(mistakes)
        return body
