"""Identifiers in Stripe's style: a prefix that names the type, then letters and digits.

Like Stripe's they begin with the time, so that new rows stand together in the store's indexes: a commit writes whole
pages, and fewer of them.
"""

import random
import string
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256

ALPHABET = (string.digits + string.ascii_uppercase + string.ascii_lowercase).encode()
"""In the order of their codes, so that texts sort as the numbers that they write."""
TIME_LENGTH = 8
RANDOM_LENGTH = 15
SECRET_LENGTH = 25
REQUEST_ID_LENGTH = 14

_LETTER_OF_BYTE = bytes(ALPHABET[byte % len(ALPHABET)] for byte in range(256))

Clock = Callable[[], float]
system_clock: Clock = time.time


@dataclass(frozen=True, kw_only=True, slots=True)
class Ids:
    """Draws identifiers; with a seeded generator and a fixed clock they repeat. None of them guards money."""

    clock: Clock = system_clock
    rng: random.Random = field(default_factory=random.Random)

    def new(self, prefix: str) -> str:
        """Return an object id, such as `pi_3VbN...` for the prefix `pi`."""
        return f"{prefix}_3{_written(int(self.clock() * 1000))}{self._letters(RANDOM_LENGTH)}"

    def request(self) -> str:
        """Return a value for the Request-Id header."""
        return f"req_{self._letters(REQUEST_ID_LENGTH)}"

    def client_secret(self, object_id: str) -> str:
        """Return the secret by which a browser may confirm the object."""
        return f"{object_id}_secret_{self._letters(SECRET_LENGTH)}"

    def _letters(self, count: int) -> str:
        return self.rng.randbytes(count).translate(_LETTER_OF_BYTE).decode()


def account_of(secret_key: str) -> str:
    """Return the account that a secret key belongs to: every key is an account of its own."""
    return f"acct_{sha256(secret_key.encode()).hexdigest()[:16]}"


@lru_cache(maxsize=4)
def _written(number: int) -> str:
    """Return a time in letters. Times of the same millisecond share one text."""
    letters = bytearray()
    for _ in range(TIME_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[digit])
    return letters[::-1].decode()
