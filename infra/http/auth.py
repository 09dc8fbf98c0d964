"""API keys: `Authorization: Bearer <key>` (https://www.rfc-editor.org/rfc/rfc6750), stored as hashes.

A key is long and random, so one SHA-256 is enough: there is nothing to guess that a slow hash would protect.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from infra.http.problems import Problem
from infra.settings.http import ApiKey, ApiKeySettings

# For the OpenAPI document; the header is read by `_bearer_token`, which can tell "none" from "not
# understood".
_bearer_scheme = HTTPBearer(scheme_name="ApiKey", description="An API key of the merchant", auto_error=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Who calls: a key of a merchant, and what it may do."""

    merchant_id: str
    key_id: str
    scopes: frozenset[str]


class ApiKeyring:
    """The known keys. An application keeps it as `app.state.keyring`, where `authenticated` finds it."""

    def __init__(self, keys: Sequence[ApiKey]) -> None:
        self._keys = [
            (key.sha256, Principal(merchant_id=key.merchant_id, key_id=key.id, scopes=key.scopes)) for key in keys
        ]

    @classmethod
    def from_settings(cls, settings: ApiKeySettings) -> "ApiKeyring":
        """Return the keys of API_KEYS."""
        return cls(settings.api_keys)

    def find(self, token: str) -> Principal | None:
        """Return whose key this is. Takes the same time for every token: all keys are compared, in full."""
        digest = hashlib.sha256(token.encode()).hexdigest()
        found: Principal | None = None
        for known, principal in self._keys:
            if hmac.compare_digest(known, digest):
                found = principal
        return found


def authenticated(scope: str, anonymous_merchant_id: str | None = None) -> Callable[..., Awaitable[Principal]]:
    """Return a FastAPI dependency that yields the caller, whose key must have `scope`.

    Raises the problem `unauthenticated` (401) without a known key, `forbidden` (403) without the scope. With
    `anonymous_merchant_id` a request that has no Authorization header at all reads as that merchant
    (development).
    """

    async def dependency(
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer_scheme)],
    ) -> Principal:
        values = request.headers.getlist("authorization")
        if not values and anonymous_merchant_id is not None:
            return Principal(merchant_id=anonymous_merchant_id, key_id="anonymous", scopes=frozenset({scope}))
        if not values:
            raise _unauthenticated("No API key was sent: use the header Authorization: Bearer <API key>.", "Bearer")
        keyring: ApiKeyring = request.app.state.keyring
        token = _bearer_token(values)
        principal = keyring.find(token) if token else None
        if principal is None:
            raise _unauthenticated("The API key is not valid.", 'Bearer error="invalid_token"')
        if scope not in principal.scopes:
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            detail = f"This API key lacks the scope {scope}."
            raise Problem(403, "forbidden", "Forbidden", detail, headers={"WWW-Authenticate": challenge})
        return principal

    return dependency


def _bearer_token(values: list[str]) -> str | None:
    """Return the token of one `Bearer` header (the scheme in any case); None for anything else."""
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _unauthenticated(detail: str, challenge: str) -> Problem:
    return Problem(401, "unauthenticated", "Unauthenticated", detail, headers={"WWW-Authenticate": challenge})
