"""Who calls, and what it may do."""

from dataclasses import dataclass
from typing import Literal, get_args

MerchantScope = Literal["payments:write", "refunds:write", "payments:read", "webhooks:write", "actor:set"]
AccountScope = Literal["finance:write", "finance:read", "audit:read", "admin:read", "admin:write"]
"""Of what belongs to all merchants: the Stripe account, the log, the system."""
Scope = Literal[MerchantScope, AccountScope]

ACCOUNT_SCOPES: frozenset[str] = frozenset(get_args(AccountScope))
OPERATOR_SCOPES: frozenset[str] = ACCOUNT_SCOPES | {"actor:set"}
"""What a key of the operator can have."""

NO_MERCHANT = "-"
"""Whose the operator's keys are."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """A key of a merchant, or of the operator (`NO_MERCHANT`), and what it may do."""

    merchant_id: str
    key_id: str
    scopes: frozenset[str]
