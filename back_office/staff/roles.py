"""What each role may see and do. It decides what is shown, and again what is carried out."""

from collections.abc import Mapping
from enum import StrEnum

from infra.settings.staff import Role


class Permission(StrEnum):
    """One thing that a role may or may not."""

    SEE_OWN_SESSIONS = "see_own_sessions"
    SEE_PAYMENTS = "see_payments"
    SEE_RECONCILIATIONS = "see_reconciliations"
    SEE_LEDGER = "see_ledger"
    SEE_SYSTEM = "see_system"
    SEE_AUDIT = "see_audit"
    EXPORT_PAYMENTS = "export_payments"
    EXPORT_LEDGER = "export_ledger"
    PERSONAL_DATA = "personal_data"
    REFUND = "refund"
    CAPTURE = "capture"
    CANCEL = "cancel"
    RESOLVE_DISCREPANCIES = "resolve_discrepancies"
    OPERATE = "operate"
    SEE_ACCESS = "see_access"
    MANAGE_ACCESS = "manage_access"
    MANAGE_STAFF = "manage_staff"


_MONEY = frozenset({Permission.REFUND, Permission.CAPTURE, Permission.CANCEL})
_EXPORTS = frozenset({Permission.EXPORT_PAYMENTS, Permission.EXPORT_LEDGER})
_LOOKING = frozenset(
    {Permission.SEE_PAYMENTS, Permission.SEE_RECONCILIATIONS, Permission.SEE_LEDGER, Permission.SEE_SYSTEM}
)

PERMISSIONS: Mapping[Role, frozenset[Permission]] = {
    "support": frozenset({Permission.SEE_PAYMENTS, Permission.REFUND, Permission.CANCEL}),
    "finance": _LOOKING | _EXPORTS | _MONEY | {Permission.RESOLVE_DISCREPANCIES},
    "operator": _LOOKING
    | {Permission.SEE_AUDIT, Permission.CANCEL, Permission.OPERATE, Permission.PERSONAL_DATA}
    | {Permission.SEE_ACCESS, Permission.MANAGE_ACCESS, Permission.MANAGE_STAFF},
    "auditor": _LOOKING | _EXPORTS | {Permission.SEE_AUDIT, Permission.SEE_ACCESS},
}


def may(role: Role, permission: Permission) -> bool:
    """Whether somebody with the role may do that."""
    return permission is Permission.SEE_OWN_SESSIONS or permission in PERMISSIONS[role]
