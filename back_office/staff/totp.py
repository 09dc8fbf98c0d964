"""One-time codes of an authenticator app (https://www.rfc-editor.org/rfc/rfc6238): SHA-1, 6 digits, 30 seconds."""

import base64
import hashlib
import hmac
import secrets
import struct
import time
from collections.abc import Callable
from urllib.parse import quote

_DIGITS = 6
_STEP_S = 30
_SECRET_BYTES = 20
"""As many as the hash has: https://www.rfc-editor.org/rfc/rfc4226#section-4."""
_SKEW = (0, -1, 1)
"""Steps that the clock of a phone may be off by."""


def new_secret() -> str:
    """Return a secret for an account's `totp_secret`, as apps take it."""
    return base64.b32encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def address_of(name: str, secret: str) -> str:
    """Return what an app takes as a QR code or a link."""
    return f"otpauth://totp/Paystream:{quote(name, safe='')}?secret={secret}&issuer=Paystream"


def code_at(secret: str, step: int) -> str:
    """Return the code of a step, which is the Unix time divided by 30."""
    digest = hmac.digest(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1)
    offset = digest[-1] & 0x0F
    number: int = struct.unpack_from(">I", digest, offset)[0] & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


class OneTimeCodes:
    """Which codes fit, each once: one that was seen over somebody's shoulder, or taken on its way, opens nothing more.

    What was used is remembered in this process; a code lives for a minute and a half.
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now
        self._used: dict[str, int] = {}
        """The newest step of each name that was used."""

    def take(self, name: str, secret: str, code: str) -> bool:
        """Whether the code fits; then neither it nor an older one fits again."""
        current = int(self._now() // _STEP_S)
        given = code.replace(" ", "").encode()
        fitting = [
            current + skew for skew in _SKEW if hmac.compare_digest(code_at(secret, current + skew).encode(), given)
        ]
        if not fitting or fitting[0] <= self._used.get(name, -1):
            return False
        self._used[name] = fitting[0]
        return True
