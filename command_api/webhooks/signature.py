"""Whether Stripe signed a request: https://docs.stripe.com/webhooks#verify-official-libraries."""

from collections.abc import Sequence

from pydantic import SecretStr
from stripe import SignatureVerificationError, WebhookSignature

HEADER = "stripe-signature"


def is_signed(raw: bytes, header: str, secrets: Sequence[SecretStr], *, tolerance_s: int) -> bool:
    """Return whether `header` signs the bytes with one of the secrets, and is no older than `tolerance_s`."""
    return any(_is_signed_with(raw, header, secret, tolerance_s) for secret in secrets)


def _is_signed_with(raw: bytes, header: str, secret: SecretStr, tolerance_s: int) -> bool:
    try:
        WebhookSignature.verify_header(raw, header, secret.get_secret_value(), tolerance_s)
    except (SignatureVerificationError, ValueError, TypeError):
        # ValueError: the body is not UTF-8. TypeError: the signature is not ASCII, which the SDK cannot compare.
        return False
    return True
