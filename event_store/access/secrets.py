"""How an API key looks: a kind, a part that may be shown, and a secret.

    psk_live_Ab12Cd34 0123456789abcdefghijklmnopqrstuv
    the prefix        the secret: 190 random bits

The prefix finds the key in a list, in the keyring and in a scanner for leaked secrets. The secret is shown once.
"""

import hashlib
import secrets
import string
from dataclasses import dataclass

LIVE, TEST = "psk_live_", "psk_test_"
_SHOWN_CHARS, _SECRET_CHARS = 8, 32
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class NewSecret:
    """A key that nobody has seen yet."""

    key: str
    prefix: str

    @property
    def sha256(self) -> str:
        """What is kept of it."""
        return hashlib.sha256(self.key.encode()).hexdigest()


def draw_key(*, is_production: bool) -> NewSecret:
    """Draw a key; its kind says whether it is of a production system."""
    prefix = (LIVE if is_production else TEST) + _random(_SHOWN_CHARS)
    return NewSecret(key=prefix + _random(_SECRET_CHARS), prefix=prefix)


def _random(chars: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(chars))
