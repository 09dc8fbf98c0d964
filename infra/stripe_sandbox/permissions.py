"""Which permission a call needs of a restricted key: https://docs.stripe.com/keys/restricted-api-keys.

The names are those that Stripe's refusals and the links to its page for new keys carry (`rak_charge_read`); refunds
share the charges' ones, as they do in the dashboard. Writing implies reading.
"""

from collections.abc import Mapping

_WRITE, _READ = "_write", "_read"
_RESOURCES: Mapping[str, str] = {
    "account": "rak_accounts_kyc_basic",
    "balance": "rak_balance",
    "balance_transactions": "rak_balance_transaction_source",
    "charges": "rak_charge",
    "customers": "rak_customer",
    "disputes": "rak_dispute",
    "events": "rak_event",
    "payment_intents": "rak_payment_intent",
    "payouts": "rak_payout",
    "refunds": "rak_charge",
    "webhook_endpoints": "rak_webhook",
}
PERMISSIONS = frozenset(f"{name}{way}" for name in _RESOURCES.values() for way in (_READ, _WRITE))


def permission_of(method: str, path: str) -> str:
    """Return the permission that a call of the API needs; `path` as in `/v1/refunds/{refund}`."""
    resource = path.split("/")[2]
    return _RESOURCES[resource] + (_READ if method == "GET" else _WRITE)


def allows(granted: frozenset[str], permission: str) -> bool:
    """Whether these permissions contain that one."""
    return permission in granted or permission.removesuffix(_READ) + _WRITE in granted
