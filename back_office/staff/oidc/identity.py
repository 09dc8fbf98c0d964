"""Whose account it is that somebody of the provider has: that which names them, and no other."""

from collections.abc import Iterable
from typing import Literal

from back_office.staff.oidc.errors import TokenRefused
from back_office.staff.oidc.id_token import Claims
from infra.settings.staff import StaffAccount

IdentityClaim = Literal["email", "sub"]


class Identities:
    """The accounts by their `oidc_identity`, which is what the claim has to be."""

    def __init__(self, accounts: Iterable[StaffAccount], *, claim: IdentityClaim) -> None:
        self._claim = claim
        self._accounts = {
            self._key(account.oidc_identity): account for account in accounts if account.oidc_identity is not None
        }

    def account_of(self, claims: Claims) -> StaffAccount | None:
        """Return somebody's account, if there is one. Raises TokenRefused for a claim that proves nothing."""
        said = claims.get(self._claim)
        if not isinstance(said, str) or not said.isascii():  # beyond ASCII, two letters may be one in lower case
            raise TokenRefused(f"claim {self._claim}")
        if self._claim == "email" and claims.get("email_verified") is not True:
            raise TokenRefused("claim email_verified")
        return self._accounts.get(self._key(said))

    def _key(self, identity: str) -> str:
        return identity.lower() if self._claim == "email" else identity
