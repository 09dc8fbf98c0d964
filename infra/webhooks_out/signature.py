"""Signatures of Standard Webhooks 1: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
_PREFIX = "whsec_"
_SECRET_BYTES = 32  # 24 to 64 by the specification


def new_secret() -> str:
    """Return a new secret, as merchants see it once: `whsec_...`."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the signature of a message: `v1,...`. `timestamp` is the moment of the attempt, in Unix seconds."""
    key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def signed_headers(secrets_: Sequence[str], message_id: str, timestamp: int, body: bytes) -> Mapping[str, str]:
    """Return the headers of an attempt. A message has a signature by each secret that is valid."""
    signatures = [sign(secret, message_id, timestamp, body) for secret in secrets_]
    return {ID: message_id, TIMESTAMP: str(timestamp), SIGNATURE: " ".join(signatures)}
