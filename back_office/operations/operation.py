"""What can be done: what its form asks for, and the body of the call that follows. Pure."""

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
    """One of them. Our address is that of the command API, but for what stands before it (`place`)."""

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
RETRY_TASK = StaffOperation(
    name="retry",
    title="Retry a call to Stripe",
    button="Retry",
    consequence="It is sent again at once with the same idempotency key, so Stripe does it once. Where Stripe may have "
    "forgotten the key, it is looked up there, and never sent again.",
    permission=Permission.OPERATE,
)
GIVE_UP_TASK = StaffOperation(
    name="give-up",
    title="Give up a call to Stripe",
    button="Give up",
    consequence="What it was for is recorded as failed, for good. Later calls of the payment go on.",
    permission=Permission.OPERATE,
    is_dangerous=True,
    has_force=True,
    force_label="I have looked at Stripe: it was not done there",
)
LOCK_STAFF = StaffOperation(
    name="lock",
    title="Lock somebody out",
    button="Lock",
    consequence="The account's sessions end within seconds, in every process of the back office, and its password "
    "opens nothing until somebody unlocks it.",
    permission=Permission.MANAGE_STAFF,
    is_dangerous=True,
)
UNLOCK_STAFF = StaffOperation(
    name="unlock",
    title="Unlock an account",
    button="Unlock",
    consequence="The password opens the account again, and wrong passwords of before are forgotten. Sessions from "
    "before the lock stay ended.",
    permission=Permission.MANAGE_STAFF,
)
END_STAFF_SESSIONS = StaffOperation(
    name="end-sessions",
    title="End all sessions",
    button="End all sessions",
    consequence="Whoever is logged in with this account has to log in again, within seconds, in every process of the "
    "back office.",
    permission=Permission.MANAGE_STAFF,
)
RETRY_SAGA = StaffOperation(
    name="retry",
    title="Retry what a saga takes back",
    button="Retry",
    consequence="What was not taken back is tried again at once.",
    permission=Permission.OPERATE,
)
GIVE_UP_SAGA = StaffOperation(
    name="give-up",
    title="Give up a saga",
    button="Give up",
    consequence="It ends as it is. What was not taken back stands, and is named in the event.",
    permission=Permission.OPERATE,
    is_dangerous=True,
    has_force=True,
    force_label="Even if it may still come to an end by itself",
)
REPLAY = StaffOperation(
    name="replay",
    title="Replay dead letters",
    button="Replay",
    consequence="The running consumer applies all of the list above again, in their order. If one fails again, those "
    "behind it go on waiting.",
    permission=Permission.OPERATE,
)
DISCARD = StaffOperation(
    name="discard",
    title="Discard a dead letter",
    button="Discard",
    consequence="The consumer will never apply it, also when it is delivered again. What waits behind it waits for a "
    "replay.",
    permission=Permission.OPERATE,
    is_dangerous=True,
)
ACCEPT = StaffOperation(
    name="accept",
    title="Accept what Stripe says",
    button="Accept",
    consequence="The payment becomes what Stripe says it is; refunds and ledger follow. It cannot be undone.",
    permission=Permission.OPERATE,
    is_dangerous=True,
)
ROTATE_KEY = StaffOperation(
    name="rotate",
    title="Rotate an API key",
    button="Rotate",
    consequence="It gets a successor with the same scopes, which is shown once, on the next page. The old key ends "
    "after the hours above.",
    permission=Permission.MANAGE_ACCESS,
    has_hours=True,
)
REVOKE_KEY = StaffOperation(
    name="revoke",
    title="Revoke an API key",
    button="Revoke",
    consequence="Whoever uses it is refused within seconds. It cannot be undone.",
    permission=Permission.MANAGE_ACCESS,
    is_dangerous=True,
)
