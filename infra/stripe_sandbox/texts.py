"""Texts that have to be of a form: addresses of mail and of the web. The refusals are Stripe's."""

from urllib.parse import urlsplit

from infra.stripe_sandbox.errors import invalid_parameter


def check_email(value: str, param: str) -> None:
    """Raise StripeError (400) for what is no address of mail."""
    local, at, domain = value.rpartition("@")
    if not (local and at and domain) or any(character.isspace() for character in value):
        raise invalid_parameter(f"Invalid email address: {value}", param=param, code="email_invalid")


def check_url(value: str, param: str) -> None:
    """Raise StripeError (400) for what a customer could not be sent to: an app's own scheme is good."""
    try:
        parts = urlsplit(value)
    except ValueError:
        parts = urlsplit("")
    if not parts.scheme or not (parts.netloc or parts.path.strip("/")) or any(c.isspace() for c in value):
        raise invalid_parameter("Not a valid URL", param=param, code="url_invalid")
