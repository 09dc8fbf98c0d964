"""A provider of single sign-on as its specifications have it, with keys of its own, which can be told to lie.

What it signs is made by hand, so that it can be what no library would make.
"""

import base64
import hashlib
import html
import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlencode

from cryptography.hazmat.primitives import hashes, hmac, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

Json = dict[str, Any]
CLIENT_ID, CLIENT_SECRET = "back-office", "s3cret-of-the-client"


def base64url(data: bytes) -> str:
    """Return it without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value: int) -> str:
    return base64url(value.to_bytes((value.bit_length() + 7) // 8))


@cache
def _first_key() -> rsa.RSAPrivateKey:
    """Return one for all tests of a process that need no other: it takes a while to find one."""
    return rsa.generate_private_key(65537, 2048)


@dataclass(kw_only=True)
class RsaKey:
    """A key for RS256."""

    kid: str
    private: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    alg = "RS256"

    def public(self) -> Json:
        """Return it as a key set has it."""
        numbers = self.private.public_key().public_numbers()
        return {"kty": "RSA", "kid": self.kid, "use": "sig", "n": _number(numbers.n), "e": _number(numbers.e)}

    def pem(self) -> bytes:
        """Return the public key as an attacker has it."""
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.private.public_key().public_bytes(serialization.Encoding.PEM, form)

    def sign(self, data: bytes) -> bytes:
        """Sign."""
        return self.private.sign(data, padding.PKCS1v15(), hashes.SHA256())


@dataclass(kw_only=True)
class EcKey:
    """A key for ES256."""

    kid: str
    private: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    alg = "ES256"

    def public(self) -> Json:
        """Return it as a key set has it."""
        numbers = self.private.public_key().public_numbers()
        x, y = (base64url(each.to_bytes(32)) for each in (numbers.x, numbers.y))
        return {"kty": "EC", "kid": self.kid, "crv": "P-256", "x": x, "y": y}

    def sign(self, data: bytes) -> bytes:
        """Sign."""
        r, s = decode_dss_signature(self.private.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32) + s.to_bytes(32)


def jws(header: Json, claims: Json, sign: Callable[[bytes], bytes]) -> str:
    """Return a token of any header."""
    said = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
    return f"{said}.{base64url(sign(said.encode()))}"


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    """Return how somebody signs with a secret."""

    def sign(data: bytes) -> bytes:
        mac = hmac.HMAC(secret, hashes.SHA256())
        mac.update(data)
        return mac.finalize()

    return sign


@dataclass(kw_only=True)
class OidcProvider:
    """A provider with one person, who is logged in there."""

    issuer: str
    redirect_uri: str
    person: Json = field(
        default_factory=lambda: {"sub": "248289761001", "email": "anna@bank.example", "email_verified": True}
    )
    keys: list[RsaKey | EcKey] = field(default_factory=lambda: [RsaKey(kid="k1", private=_first_key())])
    """The first one signs."""
    claims: Json = field(default_factory=dict)
    """What is said otherwise than it should be; None: it is left out."""
    token: Callable[[Json], str] | None = None
    """Makes the ID token of its claims, in the place of the provider's own key."""
    discovery: Json = field(default_factory=dict)
    """What the discovery document says otherwise."""
    asks: bool = False
    """Whether it shows a page, on which the person says who they are; else it knows them already."""
    error: str = ""
    """With which the authorization endpoint leads back."""
    requested: list[str] = field(default_factory=list)
    """The paths of requests."""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    method: str = "client_secret_basic"
    """How a client shows who it is."""

    def app(self) -> Starlette:
        """Return it as an ASGI application."""
        path = "/" + self.issuer.split("/", 3)[3] if self.issuer.count("/") > 2 else ""
        path = path.rstrip("/")
        return Starlette(
            routes=[
                Route(f"{path}/.well-known/openid-configuration", self._discover),
                Route(f"{path}/authorize", self._authorize),
                Route(f"{path}/token", self._token, methods=["POST"]),
                Route(f"{path}/jwks", self._jwks),
            ]
        )

    async def _discover(self, _: Request) -> Response:
        self.requested.append("discovery")
        base = self.issuer.rstrip("/")
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{base}/authorize",
            "token_endpoint": f"{base}/token",
            "jwks_uri": f"{base}/jwks",
            "token_endpoint_auth_methods_supported": [self.method],
            **self.discovery,
        }
        return JSONResponse({name: value for name, value in found.items() if value is not None})

    async def _jwks(self, _: Request) -> Response:
        self.requested.append("jwks")
        others = [{"kty": "oct", "kid": "k1", "k": base64url(b"x" * 32)}, {"kty": "AKP", "kid": "new"}, "no key"]
        return JSONResponse({"keys": [*others, *(key.public() for key in self.keys)]})

    async def _authorize(self, request: Request) -> Response:
        self.requested.append("authorize")
        given = dict(request.query_params)
        assert given["client_id"] == CLIENT_ID
        assert given["redirect_uri"] == self.redirect_uri
        assert given["response_type"] == "code"
        assert "openid" in given["scope"].split()
        assert given["code_challenge_method"] == "S256"
        if self.error:
            back = {"error": self.error, "error_description": "<b>words of theirs</b>", "state": given["state"]}
            return RedirectResponse(f"{self.redirect_uri}?{urlencode(back)}", status_code=302)
        code = secrets.token_urlsafe()
        self.codes[code] = given
        address = f"{self.redirect_uri}?{urlencode({'code': code, 'state': given['state'], 'iss': self.issuer})}"
        if self.asks:
            icon = '<link rel="icon" href="data:,">'
            return HTMLResponse(f'<!doctype html>{icon}<a href="{html.escape(address)}">It is me</a>')
        return RedirectResponse(address, status_code=302)

    async def _token(self, request: Request) -> Response:
        self.requested.append("token")
        given = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        if not self._is_client(request, given):
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        begun = self.codes.pop(given.get("code", ""), None)
        challenge = base64url(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
        if begun is None or begun["code_challenge"] != challenge or given["redirect_uri"] != begun["redirect_uri"]:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        access_token = secrets.token_urlsafe()
        return JSONResponse(
            {
                "access_token": access_token,
                "token_type": "Bearer",
                "expires_in": 300,
                "id_token": self.id_token(begun["nonce"], access_token),
            }
        )

    def _is_client(self, request: Request, given: dict[str, str]) -> bool:
        if self.method == "client_secret_post":
            return (given.get("client_id"), given.get("client_secret")) == (CLIENT_ID, CLIENT_SECRET)
        known = base64.b64encode(f"{CLIENT_ID}:{CLIENT_SECRET}".encode()).decode()
        return request.headers.get("authorization") == f"Basic {known}" and "client_secret" not in given

    def id_token(self, nonce: str, access_token: str) -> str:
        """Return the token, as it was told to be."""
        now, key = int(time.time()), self.keys[0]
        hashed = base64url(hashlib.sha256(access_token.encode()).digest()[:16])
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "at_hash": hashed,
            **self.person,
            **self.claims,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        if self.token is not None:
            return self.token(claims)
        return jws({"alg": key.alg, "kid": key.kid, "typ": "JWT"}, claims, key.sign)
