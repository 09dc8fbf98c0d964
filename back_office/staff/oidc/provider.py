"""The provider of single sign-on: where to send people, and who it says that they are.

Everything is fetched when somebody logs in: the back office starts, and passwords open it, while the provider is away.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.jwk import KeySet
from pydantic import SecretStr

from back_office.staff.oidc.errors import ProviderAway, ProviderRefused, TokenRefused
from back_office.staff.oidc.http import ProviderHttp
from back_office.staff.oidc.id_token import Claims, Expected, KeyUnknown, import_keys, verify
from back_office.staff.oidc.settings import is_safe_address
from back_office.staff.oidc.waiting import WaitingLogin

_KNOWN_FOR_S = 3600.0
_FORM = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
_SCOPES = {"email": "openid email", "sub": "openid"}
_REFUSALS = {"invalid_grant", "invalid_client", "invalid_request", "unauthorized_client", "unsupported_grant_type"}
"""https://www.rfc-editor.org/rfc/rfc6749#section-5.2: other words of an answer come into no log line."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """What the provider knows the back office by."""

    client_id: str
    secret: SecretStr
    redirect_uri: str
    scope: str

    @classmethod
    def of(cls, *, client_id: str, secret: SecretStr, public_url: str, claim: str) -> "Client":
        """Return the client of a back office at an address, which asks for a claim."""
        address = f"{public_url.rstrip('/')}/login/oidc/callback"
        return cls(client_id=client_id, secret=secret, redirect_uri=address, scope=_SCOPES[claim])


@dataclass(frozen=True, kw_only=True, slots=True)
class _Endpoints:
    authorization: str
    token: str
    keys: str
    client_auth: str
    """In the body where it may be: providers read a header with signs other than letters and digits in two ways."""
    names_itself: bool
    """Whether the address that it leads back to has its name: https://www.rfc-editor.org/rfc/rfc9207."""


class Provider:
    """A provider. Raises the errors of `back_office.staff.oidc.errors`."""

    def __init__(
        self,
        http: ProviderHttp,
        *,
        issuer: str,
        client: Client,
        allows_http: bool,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._http = http
        self._issuer = issuer
        self._client = client
        self._allows_http = allows_http
        self._now = now
        self._monotonic = monotonic
        self._endpoints: tuple[float, _Endpoints] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def authorization_address(self, login: WaitingLogin) -> str:
        """Return where to send a browser to log in."""
        endpoints = await self._discovered()
        address: str = prepare_grant_uri(
            endpoints.authorization,
            self._client.client_id,
            "code",
            redirect_uri=self._client.redirect_uri,
            scope=self._client.scope,
            state=login.state,
            nonce=login.nonce,
            code_challenge=create_s256_code_challenge(login.verifier),
            code_challenge_method="S256",
        )
        return address

    async def claims_of(self, code: str, login: WaitingLogin, *, issuer: str | None) -> Claims:
        """Return what is said of whoever logged in; `issuer` is what the address says that they come from."""
        endpoints = await self._discovered()
        if issuer != self._issuer and (issuer is not None or endpoints.names_itself):
            raise ProviderRefused("another issuer led here")
        answer = await self._redeemed(endpoints, code, login)
        token, access_token = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str):
            raise TokenRefused("no id_token")
        expected = Expected(
            issuer=self._issuer,
            client_id=self._client.client_id,
            nonce=login.nonce,
            access_token=access_token if isinstance(access_token, str) else None,
        )
        known_before = self._keys
        try:
            return verify(token, await self._known_keys(endpoints), expected, now=self._now)
        except KeyUnknown:
            if known_before is not self._keys:  # they were fetched for this very token
                raise
            self._keys = None
            return verify(token, await self._known_keys(endpoints), expected, now=self._now)

    async def _redeemed(self, endpoints: _Endpoints, code: str, login: WaitingLogin) -> dict[str, Any]:
        body = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self._client.redirect_uri, code_verifier=login.verifier
        )
        auth = ClientAuth(self._client.client_id, self._client.secret.get_secret_value(), endpoints.client_auth)
        _, headers, body = auth.prepare("POST", endpoints.token, dict(_FORM), body)
        is_accepted, answer = await self._http.post(endpoints.token, headers=headers, body=body)
        if not is_accepted:
            error = answer.get("error")
            raise ProviderRefused(f"code: {error}" if error in _REFUSALS else "code: refused")
        return answer

    async def _known_keys(self, endpoints: _Endpoints) -> KeySet:
        if self._keys is None or self._is_old(self._keys[0]):
            found = (await self._http.get(endpoints.keys)).get("keys")
            self._keys = self._monotonic(), import_keys(found if isinstance(found, list) else [])
        return self._keys[1]

    async def _discovered(self) -> _Endpoints:
        if self._endpoints is None or self._is_old(self._endpoints[0]):
            found = await self._http.get(f"{self._issuer.rstrip('/')}/.well-known/openid-configuration")
            self._endpoints = self._monotonic(), self._read(found)
        return self._endpoints[1]

    def _read(self, found: dict[str, Any]) -> _Endpoints:
        if found.get("issuer") != self._issuer:
            raise ProviderAway("discovery document of another issuer")
        addresses = [found.get(name) for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
        for address in addresses:
            if not isinstance(address, str) or not is_safe_address(address, allows_http=self._allows_http):
                raise ProviderAway("discovery document without a safe address")
        methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        by_body = isinstance(methods, list) and "client_secret_post" in methods
        authorization, token, keys = map(str, addresses)
        return _Endpoints(
            authorization=authorization,
            token=token,
            keys=keys,
            client_auth="client_secret_post" if by_body else "client_secret_basic",
            names_itself=found.get("authorization_response_iss_parameter_supported") is True,
        )

    def _is_old(self, fetched_at: float) -> bool:
        return self._monotonic() - fetched_at > _KNOWN_FOR_S
