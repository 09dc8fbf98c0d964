"""The known API keys: those of the setting API_KEYS, and those that PostgreSQL holds.

A key is long and random, so one SHA-256 is enough: there is nothing to guess that a slow hash would protect.
"""

import hashlib
import hmac
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from infra.access.principal import ACCOUNT_SCOPES, NO_MERCHANT, Principal
from infra.postgres.pool import DatabaseUnavailable
from infra.settings.http import ApiKey, ApiKeySettings

log = structlog.get_logger(__name__)

PREFIX_CHARS = len("psk_live_") + 8
_STORED = ("psk_live_", "psk_test_")
_NO_KEY = "0" * 64


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredKey:
    """A key that PostgreSQL holds and that was not revoked. `expires_at` is in Unix seconds."""

    sha256: str
    principal: Principal
    expires_at: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredAccess:
    """What PostgreSQL held at a moment: keys by their prefixes, and all merchants."""

    keys: Mapping[str, StoredKey]
    merchants: Collection[str]


class ApiKeyring:
    """An application keeps it as `app.state.keyring`, where `authenticated` finds it.

    Keys of API_KEYS are as they were when there were no others: `payments:write` includes refunds, and a merchant's key
    has scopes of the whole account as long as there is no other merchant.
    """

    def __init__(
        self,
        keys: Sequence[ApiKey],
        *,
        max_age_s: float = 900.0,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`max_age_s`: so long stored keys are valid without having been read again."""
        self._configured = [(key.sha256, _principal(key)) for key in keys]
        self._max_age_s = max_age_s
        self._wall = wall
        self._clock = clock
        self._stored: Mapping[str, StoredKey] = {}
        self._read_at: float | None = None
        self._reads_database = False
        self._used: set[str] = set()
        self._withheld: list[str] = []
        self._withhold(frozenset())

    @classmethod
    def from_settings(cls, settings: ApiKeySettings) -> "ApiKeyring":
        """Return the keys of API_KEYS; those of PostgreSQL come with `set_stored`."""
        return cls(settings.api_keys, max_age_s=settings.api_keys_max_age_s)

    @property
    def configured(self) -> Sequence[Principal]:
        """Whose the keys of API_KEYS are, with the scopes that count now."""
        return [principal for _, principal in self._known]

    def find(self, token: str) -> Principal | None:
        """Return whose key this is; None for one that is unknown, revoked or expired.

        What is compared takes the same time for every token: the part that is secret is compared as a hash, in full.
        Raises DatabaseUnavailable when stored keys could not be read for too long.
        """
        digest = hashlib.sha256(token.encode()).hexdigest()
        found: Principal | None = None
        for known, principal in self._known:
            if hmac.compare_digest(known, digest):
                found = principal
        if found is not None or not token.startswith(_STORED):
            return found
        key = self._stored.get(token[:PREFIX_CHARS])
        is_same = hmac.compare_digest(_NO_KEY if key is None else key.sha256, digest)
        if self._reads_database and (self._read_at is None or self._clock() - self._read_at > self._max_age_s):
            raise DatabaseUnavailable("the API keys could not be read")
        if key is None or not is_same or (key.expires_at is not None and key.expires_at <= self._wall()):
            return None
        self._used.add(key.principal.key_id)
        return key.principal

    def withholds(self, principal: Principal, scope: str) -> bool:
        """Return whether a key of API_KEYS has a scope of the account that does not count now."""
        configured = {each.key_id: each.scopes for _, each in self._configured}
        return principal.key_id in self._withheld and scope in configured[principal.key_id] - principal.scopes

    def expect_stored(self) -> None:
        """Say that stored keys will come: until then nobody knows whether a key is one."""
        self._reads_database = True
        self._withhold(frozenset())

    def set_stored(self, stored: StoredAccess) -> None:
        """Take over what PostgreSQL holds now."""
        self._stored = stored.keys
        self.confirm()
        self._withhold(frozenset(stored.merchants))

    def confirm(self) -> None:
        """Note that what is known is still so."""
        self._read_at = self._clock()

    def take_used(self) -> list[str]:
        """Return the stored keys that were used since the last time."""
        used, self._used = sorted(self._used), set()
        return used

    def _withhold(self, stored_merchants: frozenset[str]) -> None:
        """Take the account's scopes from merchants' keys once there is more than one merchant."""
        merchants = stored_merchants | {principal.merchant_id for _, principal in self._configured} - {NO_MERCHANT}
        is_alone = len(merchants) <= 1 and not (self._reads_database and self._read_at is None)
        withheld = sorted(
            each.key_id for _, each in self._configured if not is_alone and _of_several(each).scopes != each.scopes
        )
        if len(merchants) > 1 and withheld and withheld != self._withheld:
            log.warning("account_scopes_withheld", api_keys=withheld, merchants=len(merchants))
        self._withheld = withheld
        self._known = [
            (sha256, principal if is_alone else _of_several(principal)) for sha256, principal in self._configured
        ]


def _principal(key: ApiKey) -> Principal:
    implied = {"refunds:write"} if "payments:write" in key.scopes else set[str]()
    return Principal(
        merchant_id=NO_MERCHANT if key.merchant_id is None else key.merchant_id,
        key_id=key.id,
        scopes=frozenset(key.scopes | implied),
    )


def _of_several(principal: Principal) -> Principal:
    if principal.merchant_id == NO_MERCHANT:
        return principal
    return replace(principal, scopes=principal.scopes - ACCOUNT_SCOPES)
