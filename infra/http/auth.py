"""API keys over HTTP: their scopes and limits. They come as `Authorization: Bearer <key>`.

Source: https://www.rfc-editor.org/rfc/rfc6750
"""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from infra.access.keyring import ApiKeyring
from infra.access.principal import Principal, Scope
from infra.http.context import RATE_LIMIT
from infra.http.problems import Problem
from infra.http.rate_limit.limiter import RateLimiter

# For the OpenAPI document; the header is read by `_bearer_token`, which can tell "none" from "not
# understood".
_bearer_scheme = HTTPBearer(scheme_name="ApiKey", description="An API key of the merchant", auto_error=False)

_POLICIES = {"payments:write": "write", "refunds:write": "write", "payments:read": "read"}
_ACCOUNT_POLICY = "account"
_WITHHELD = (
    "API_KEYS gives it, but what is of the whole account is withheld from a merchant's key while there may be another "
    "merchant: use a key of the operator."
)


_USE_BEARER = "use one header Authorization: Bearer <API key>, and no other scheme."


def authenticated(scope: Scope, anonymous_merchant_id: str | None = None) -> Callable[..., Awaitable[Principal]]:
    """Return a FastAPI dependency that yields the caller, whose key must have `scope`.

    Raises the problem `unauthenticated` (401) without a known key, `forbidden` (403) without the scope, and
    `rate_limited` (429). With `anonymous_merchant_id` a request that has no Authorization header at all reads as that
    merchant (development).
    """
    policy = _POLICIES.get(scope, _ACCOUNT_POLICY)

    async def dependency(
        request: Request,
        _: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer_scheme)],
    ) -> Principal:
        values = request.headers.getlist("authorization")
        if not values and anonymous_merchant_id is not None:
            principal = Principal(merchant_id=anonymous_merchant_id, key_id="anonymous", scopes=frozenset({scope}))
        else:
            principal = _known(values, request)
        _limit(request, principal, policy)
        if scope not in principal.scopes:
            challenge = f'Bearer error="insufficient_scope", scope="{scope}"'
            detail = f"This API key lacks the scope {scope}."
            keyring: ApiKeyring = request.app.state.keyring
            if keyring.withholds(principal, scope):
                detail = f"{detail} {_WITHHELD}"
            raise Problem(403, "forbidden", "Forbidden", detail, headers={"WWW-Authenticate": challenge})
        return principal

    return dependency


def _known(values: list[str], request: Request) -> Principal:
    if not values:
        raise _unauthenticated(f"No API key was sent: {_USE_BEARER}", "Bearer")
    token = _bearer_token(values)
    if not token:
        raise _unauthenticated(f"No API key can be read from the request: {_USE_BEARER}", "Bearer")
    keyring: ApiKeyring = request.app.state.keyring
    principal = keyring.find(token)
    if principal is None:
        raise _unauthenticated("The API key is not valid.", 'Bearer error="invalid_token"')
    return principal


def _limit(request: Request, principal: Principal, policy: str) -> None:
    """Count the request. Raises Problem when its key made too many."""
    limiter: RateLimiter | None = getattr(request.app.state, "rate_limiter", None)
    grant = None if limiter is None else limiter.grant(principal.key_id, policy)
    if grant is None:
        return
    request.scope[RATE_LIMIT] = grant
    if not grant.granted:
        detail = "This API key made too many requests. Nothing was done; ask again later."
        headers = {"Retry-After": str(grant.retry_after_s)}
        raise Problem(429, "rate_limited", "Too many requests", detail, headers)


def _bearer_token(values: list[str]) -> str | None:
    """Return the token of one `Bearer` header (the scheme in any case); None for anything else."""
    if len(values) != 1:
        return None
    scheme, _, token = values[0].partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _unauthenticated(detail: str, challenge: str) -> Problem:
    return Problem(401, "unauthenticated", "Unauthenticated", detail, headers={"WWW-Authenticate": challenge})
