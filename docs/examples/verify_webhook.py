"""Verify a webhook of Paystream (Standard Webhooks 1), with Python's standard library alone.

    verify(secret, headers, body)   # raises ValueError unless it is genuine and new
    python verify_webhook.py whsec_... < request   # headers, an empty line, the body as it came

Libraries that do the same: https://github.com/standard-webhooks/standard-webhooks.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Mapping
from typing import Any

TOLERANCE_S = 300


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: float | None = None) -> dict[str, Any]:
    """Return the event. `headers` have lower-case names, `body` is the bytes as they came: do not parse them first."""
    message_id, timestamp = headers["webhook-id"], headers["webhook-timestamp"]
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_S:
        raise ValueError("the message is too old, or from the future")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    # There are several while secrets are replaced by others; versions other than v1 are not for us.
    for signature in headers["webhook-signature"].split(" "):
        version, _, value = signature.partition(",")
        if version == "v1" and hmac.compare_digest(value, expected):
            event: dict[str, Any] = json.loads(body)
            return event
    raise ValueError("no signature fits")


if __name__ == "__main__":
    head, _, raw = sys.stdin.buffer.read().partition(b"\n\n")
    pairs = (line.split(": ", 1) for line in head.decode().splitlines())
    try:
        print(verify(sys.argv[1], {name.lower(): value for name, value in pairs}, raw)["type"])
    except ValueError as error:
        sys.exit(f"refused: {error}")
