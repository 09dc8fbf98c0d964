"""What the headers of a request ask for: a version of the API, another account."""

import re

from starlette.datastructures import Headers

from infra.stripe_sandbox.auth import masked
from infra.stripe_sandbox.errors import FORBIDDEN, StripeError, invalid_parameter
from infra.stripe_sandbox.not_modelled import not_modelled
from infra.stripe_sandbox.version import API_VERSION

_VERSION = re.compile(r"(\d{4}-\d\d-\d\d)(\.[a-z]+)?")


def check_version(headers: Headers) -> None:
    """Raise StripeError (400) for a version that Stripe does not have yet, or that the sandbox does not speak.

    https://docs.stripe.com/api/versioning. One can be sent once only: two headers are one with a comma.
    """
    requested = headers.get("stripe-version", API_VERSION)
    if requested == API_VERSION:
        return
    found = _VERSION.fullmatch(requested)
    if found is None or found[1] >= API_VERSION.partition(".")[0]:
        raise invalid_parameter(f"Invalid Stripe API version: {requested}")
    raise not_modelled(f"the API version {requested}")


def check_account(headers: Headers, *, key: str, account: str) -> None:
    """Raise StripeError (403) when the request names another account than the key's: there are no connected accounts.

    https://docs.stripe.com/connect/authentication
    """
    requested = headers.get("stripe-account", account)
    if requested != account:
        raise StripeError(
            f"The provided key '{masked(key)}' does not have access to account '{requested}' (or that account does not "
            "exist). Application access may have been revoked.",
            status=FORBIDDEN,
            code="account_invalid",
            stored=False,
        )
    if headers.get("stripe-context") not in {None, account}:
        raise not_modelled("the header Stripe-Context")
