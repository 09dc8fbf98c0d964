"""The account and its balance: https://docs.stripe.com/api/accounts, https://docs.stripe.com/api/balance."""

from infra.stripe_sandbox.json_types import Json
from infra.stripe_sandbox.operation import Call, Operation, Reply
from infra.stripe_sandbox.params import spec


def retrieve_account(call: Call) -> Reply:
    """Return the account that the secret key belongs to."""
    return Reply(
        body={
            "id": call.account,
            "object": "account",
            "business_profile": {"name": "Paystream sandbox", "url": None},
            "business_type": "company",
            "capabilities": {"card_payments": "active", "transfers": "active"},
            "charges_enabled": True,
            "country": "US",
            "default_currency": "usd",
            "details_submitted": True,
            "email": None,
            "metadata": {},
            "payouts_enabled": True,
            "settings": {"payments": {"statement_descriptor": "PAYSTREAM SANDBOX"}},
            "type": "standard",
        }
    )


def retrieve_balance(call: Call) -> Reply:
    """Return what was captured less what was given back, before any fee; all of it is still pending."""
    money = call.store.money(call.account)
    pending: list[Json] = [
        {"amount": captured - refunded, "currency": currency, "source_types": {"card": captured - refunded}}
        for currency, captured, refunded in money
    ]
    available: list[Json] = [
        {"amount": 0, "currency": currency, "source_types": {"card": 0}} for currency, _, _ in money
    ]
    return Reply(
        body={
            "object": "balance",
            "available": available,
            "livemode": False,
            "pending": pending,
            "refund_and_dispute_prefunding": {"available": [], "pending": []},
        }
    )


OPERATIONS = (
    Operation(method="GET", path="/v1/account", accepts=spec(), run=retrieve_account),
    Operation(method="GET", path="/v1/balance", accepts=spec(), run=retrieve_balance),
)
