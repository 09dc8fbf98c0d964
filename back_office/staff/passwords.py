"""Passwords as argon2id hashes (https://www.rfc-editor.org/rfc/rfc9106), never as they are."""

import asyncio
import secrets
from collections.abc import Iterable
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from back_office.staff.totp import OneTimeCodes
from infra.settings.staff import StaffAccount

MIN_PASSWORD_CHARS = 12
_HASHER = PasswordHasher()
_AT_ONCE = 2
"""Each check takes 64 MiB and all of a core for a while: a crowd of guesses must not take the process with it."""


def hash_password(password: str) -> str:
    """Return the hash for an account's `password_hash`."""
    return _HASHER.hash(password)


class Accounts:
    """The accounts, and whether somebody is who they say."""

    def __init__(self, accounts: Iterable[StaffAccount], codes: OneTimeCodes | None = None) -> None:
        self._codes = codes or OneTimeCodes()
        self._by_name = {account.name.casefold(): account for account in accounts}
        self._turn = asyncio.Semaphore(_AT_ONCE)

    @property
    def all(self) -> list[StaffAccount]:
        """All accounts, by name."""
        return [self._by_name[name] for name in sorted(self._by_name)]

    def named(self, name: str) -> StaffAccount | None:
        """Return somebody's account."""
        return self._by_name.get(name.casefold())

    async def verify(self, name: str, password: str, code: str = "") -> StaffAccount | None:
        """Return the account, or None for a wrong password or code; a name that is nobody's takes as long."""
        account = await self.knows(name, password)
        return account if account is not None and self.has_app(account, code) else None

    def has_app(self, account: StaffAccount, code: str) -> bool:
        """Whether the code is one of the account's app, which then is used up; or the account has no app."""
        secret = account.totp_secret
        return secret is None or self._codes.take(account.name, secret.get_secret_value(), code)

    async def knows(self, name: str, password: str) -> StaffAccount | None:
        """Return the account of a name and its password."""
        account = self._by_name.get(name.casefold())
        own = None if account is None else account.password_hash
        async with self._turn:
            matches = await asyncio.to_thread(_matches, own or _nobodys_hash(), password)
        return account if matches and own is not None else None


@cache
def _nobodys_hash() -> str:
    return hash_password(secrets.token_urlsafe())


def _matches(known: str, password: str) -> bool:
    try:
        return _HASHER.verify(known, password)
    except (VerificationError, InvalidHashError):
        return False
