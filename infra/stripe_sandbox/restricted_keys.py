"""The restricted keys that were made: what each may do, and of which account it is.

Any other key `rk_test_...` may do everything and is an account of its own, as a secret key is. They are kept in memory:
after a restart, make them again on the control panel.
"""

from dataclasses import dataclass, field

from infra.stripe_sandbox.auth import masked
from infra.stripe_sandbox.errors import FORBIDDEN, StripeError
from infra.stripe_sandbox.ids import account_of
from infra.stripe_sandbox.permissions import allows, permission_of


@dataclass(frozen=True, kw_only=True, slots=True)
class RestrictedKey:
    """A key and its permissions (`rak_charge_read`)."""

    key: str
    account: str
    permissions: frozenset[str]


@dataclass(frozen=True, slots=True)
class RestrictedKeys:
    """All restricted keys, by the key itself."""

    made: dict[str, RestrictedKey] = field(default_factory=dict)

    def account(self, key: str) -> str:
        """Return the account that a key, restricted or not, belongs to."""
        found = self.made.get(key)
        return account_of(key) if found is None else found.account

    def check(self, key: str, method: str, path: str) -> None:
        """Raise StripeError (403) when the key was made without the permission that the call needs."""
        found = self.made.get(key)
        if found is None:
            return
        permission = permission_of(method, path)
        if allows(found.permissions, permission):
            return
        raise StripeError(
            f"The provided key '{masked(key)}' does not have the required permissions for this endpoint on account "
            f"'{found.account}'. Having the '{permission}' permission would allow this request to continue.",
            status=FORBIDDEN,
            stored=False,
        )
