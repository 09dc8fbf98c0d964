"""Recovery codes: ten that open once each, in the place of a code of an authenticator app that was lost.

A code begins with its number, so that one hash is compared and not ten. Codes are drawn, 80 bits each, and shown once.
"""

import asyncio
import base64
import re
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

CODES: Final = 10
_BYTES = 10
_GROUP = 4
_CODE = re.compile(r"([0-9])([A-Z2-7]{16})")
# Such a code cannot be guessed: what a hash takes of time and memory is what OWASP says of the least for a password.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_THREADS = ThreadPoolExecutor(2, "recovery-codes")


def draw_codes() -> list[str]:
    """Return new ones, as people write them: `3-ABCD-EFGH-IJKL-MNOP`."""
    return [f"{number}-{_grouped(base64.b32encode(secrets.token_bytes(_BYTES)).decode())}" for number in range(CODES)]


def parse_code(written: str) -> tuple[int, str] | None:
    """Return a code's number and its secret; None for what is no code. Case, spaces and hyphens do not matter."""
    found = _CODE.fullmatch(re.sub(r"[\s-]", "", written).upper())
    return None if found is None else (int(found[1]), found[2])


async def hash_codes(codes: Sequence[str]) -> list[str]:
    """Return the argon2id hashes of codes that were drawn, in their order."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, lambda: [_hash(each) for each in codes])


async def matches(known: str, secret: str) -> bool:
    """Whether the secret of a code is the one of a hash."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _matches, known, secret)


def _grouped(text: str) -> str:
    return "-".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def _hash(code: str) -> str:
    parsed = parse_code(code)
    assert parsed is not None
    return _HASHER.hash(parsed[1])


def _matches(known: str, secret: str) -> bool:
    try:
        return _HASHER.verify(known, secret)
    except (VerificationError, InvalidHashError):
        return False
