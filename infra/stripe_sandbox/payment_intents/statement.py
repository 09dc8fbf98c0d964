"""What may stand on a card's statement: https://docs.stripe.com/get-started/account/statement-descriptors.

The texts are Stripe's as people have quoted them (https://github.com/woocommerce/woocommerce-gateway-stripe/issues/2885,
https://github.com/woocommerce/woocommerce-android/issues/7586); that of the characters is the one Stripe has for
another payment method (https://github.com/woocommerce/woocommerce-gateway-stripe/issues/1262).
"""

import re

from infra.stripe_sandbox.errors import invalid_parameter

MAX_LENGTH = 22
_LATIN = re.compile(r"[A-Za-z]")
_REFUSED = frozenset("<>\\'\"*")


def check_statement(value: str, param: str) -> None:
    """Raise StripeError (400) for a descriptor, or a suffix of one, that no statement can have."""
    if len(value) > MAX_LENGTH:
        raise invalid_parameter(
            f"The statement descriptor must be at most {MAX_LENGTH} characters. {value} is {len(value)} characters "
            "long.",
            param=param,
        )
    if _REFUSED.intersection(value):
        raise invalid_parameter(
            "Invalid statement descriptor. Cannot contain the characters <, >, \\, ', \", or *",
            param=param,
            code="invalid_statement_descriptor",
        )
    if not _LATIN.search(value):
        raise invalid_parameter("The statement descriptor must contain at least one Latin character.", param=param)
