"""The account: https://docs.stripe.com/api/accounts."""

from infra.stripe_sandbox.operation import ApiOperation, Call, Reply
from infra.stripe_sandbox.params import spec

DISPLAY_NAME = "Paystream sandbox"
"""What customers see of the account."""


def retrieve_account(call: Call) -> Reply:
    """Return the account that the secret key belongs to."""
    return Reply(
        body={
            "id": call.account,
            "object": "account",
            "business_profile": {"name": DISPLAY_NAME, "url": None},
            "business_type": "company",
            "capabilities": {"card_payments": "active", "transfers": "active"},
            "charges_enabled": True,
            "country": "US",
            "default_currency": "usd",
            "details_submitted": True,
            "email": None,
            "metadata": {},
            "payouts_enabled": True,
            "settings": {
                "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
                "card_payments": {
                    "decline_on": {"avs_failure": False, "cvc_failure": False},
                    "statement_descriptor_prefix": None,
                    "statement_descriptor_prefix_kana": None,
                    "statement_descriptor_prefix_kanji": None,
                },
                "dashboard": {"display_name": DISPLAY_NAME, "timezone": "Etc/UTC"},
                "payments": {
                    "statement_descriptor": "PAYSTREAM SANDBOX",
                    "statement_descriptor_kana": None,
                    "statement_descriptor_kanji": None,
                },
            },
            "type": "standard",
        }
    )


OPERATIONS = (ApiOperation(method="GET", path="/v1/account", accepts=spec(), run=retrieve_account),)
