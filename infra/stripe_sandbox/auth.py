"""Who is calling: a secret test key, as the user name of HTTP Basic or as a bearer token.

https://docs.stripe.com/api/authentication. Any key of the form `sk_test_...` is good, and each is an account of its
own, so that tests running side by side do not see one another.
"""

import base64
import binascii
import re

from infra.stripe_sandbox.errors import UNAUTHORIZED, StripeError

SECRET_TEST_KEY = re.compile(r"(?:sk|rk)_test_[A-Za-z0-9_]+")
SHOWN_PREFIX = len("sk_test_")
SHOWN_SUFFIX = 4

_MISSING = (
    "You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth "
    "(e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See https://stripe.com/docs/api#authentication for details, or "
    "we can help at https://support.stripe.com/."
)
_PUBLISHABLE = (
    "This API call cannot be made with a publishable API key. Please use a secret API key. You can find a list of "
    "your API keys at https://dashboard.stripe.com/account/apikeys."
)


def secret_key(authorization: str | None) -> str:
    """Return the secret key in an Authorization header.

    Raises StripeError (401) when it is missing, malformed, publishable, or not a test key.
    """
    key = _presented(authorization)
    if not key:
        raise _unauthorized(_MISSING)
    if key.startswith("pk_"):
        raise _unauthorized(_PUBLISHABLE)
    if SECRET_TEST_KEY.fullmatch(key) is None:
        raise _unauthorized(f"Invalid API Key provided: {masked(key)}")
    return key


def masked(key: str) -> str:
    """Return the key as Stripe shows it in errors: the ends, stars between."""
    if len(key) <= SHOWN_PREFIX + SHOWN_SUFFIX:
        return "*" * len(key)
    hidden = "*" * (len(key) - SHOWN_PREFIX - SHOWN_SUFFIX)
    return f"{key[:SHOWN_PREFIX]}{hidden}{key[-SHOWN_SUFFIX:]}"


def _presented(authorization: str | None) -> str:
    scheme, _, credentials = (authorization or "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials, validate=True).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def _unauthorized(message: str) -> StripeError:
    return StripeError(message, status=UNAUTHORIZED, stored=False)
