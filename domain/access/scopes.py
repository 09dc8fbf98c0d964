"""What an API key may be for."""

from collections.abc import Iterable
from typing import Literal, get_args

MerchantScope = Literal["payments:write", "refunds:write", "payments:read", "webhooks:write", "actor:set"]
"""Each is limited to what the key's merchant has."""
AccountScope = Literal["finance:read", "finance:write", "audit:read", "admin:read", "admin:write"]
"""Each reaches what belongs to all merchants: the Stripe account, the log, the system."""

MERCHANT_SCOPES: frozenset[str] = frozenset(get_args(MerchantScope))
ACCOUNT_SCOPES: frozenset[str] = frozenset(get_args(AccountScope))
OPERATOR_SCOPES = ACCOUNT_SCOPES | {"actor:set"}
"""What a key of the operator can have."""
SCOPES = MERCHANT_SCOPES | ACCOUNT_SCOPES


def wrong_scopes(scopes: Iterable[str], *, is_operators: bool) -> list[str]:
    """Return those that a key of the operator, or else of a merchant, cannot have."""
    return sorted(set(scopes) - (OPERATOR_SCOPES if is_operators else MERCHANT_SCOPES))
