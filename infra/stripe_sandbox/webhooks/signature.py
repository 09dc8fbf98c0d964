"""The Stripe-Signature header: https://docs.stripe.com/webhooks#verify-manually."""

import hmac
from collections.abc import Sequence
from hashlib import sha256

HEADER = "Stripe-Signature"


def signature_header(payload: bytes, secrets: Sequence[str], *, timestamp: int) -> str:
    """Return the header for a body: the time, and a `v1` for each secret."""
    signed = b"%d.%s" % (timestamp, payload)
    signatures = (hmac.new(secret.encode(), signed, sha256).hexdigest() for secret in secrets)
    return ",".join([f"t={timestamp}", *(f"v1={signature}" for signature in signatures)])
