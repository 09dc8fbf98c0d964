"""Who an ID token says that somebody is, if it can be trusted.

The rules are those of https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation: authlib has them for the
claims, and joserfc for signatures and keys.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import BadSignatureError, ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import JWKRegistry, Key, KeySet

from back_office.staff.oidc.errors import TokenRefused

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Those with a private key: with `none` or HS256 anybody could sign who has the public key."""
_KEY_TYPES = {"RSA", "EC"}
_LEEWAY_S = 60
"""That two clocks may be apart."""

Claims = Mapping[str, Any]


class KeyUnknown(TokenRefused):
    """No key that is known has signed it: the provider may have a new one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What has to be in a token for it to be ours."""

    issuer: str
    client_id: str
    nonce: str
    access_token: str | None
    """What came with it, which it may have the hash of."""


def import_keys(found: Iterable[Any]) -> KeySet:
    """Return those keys of a key set that sign: what is of another kind, or none, is passed over."""
    return KeySet([key for each in found if (key := _imported(each)) is not None])


def _imported(found: Any) -> Key | None:
    if not isinstance(found, dict) or found.get("kty") not in _KEY_TYPES or found.get("use", "sig") != "sig":
        return None
    try:
        return JWKRegistry.import_key(found)
    except (JoseError, ValueError, TypeError, KeyError):
        return None


def verify(token: str, keys: KeySet, expected: Expected, *, now: Callable[[], float] = time.time) -> Claims:
    """Return its claims. Raises TokenRefused, and KeyUnknown when other keys may know it."""
    try:
        decoded = jwt.decode(token, keys, algorithms=ALGORITHMS)
    except (InvalidKeyIdError, BadSignatureError) as error:
        raise KeyUnknown(f"signature: {type(error).__name__}") from error
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise TokenRefused(f"signature: {type(error).__name__}") from error
    claims = CodeIDToken(
        decoded.claims,
        decoded.header,
        options={
            "iss": {"essential": True, "value": expected.issuer},
            "aud": {"essential": True, "value": expected.client_id},
        },
        params={
            "nonce": expected.nonce,
            "client_id": expected.client_id,
            "access_token": expected.access_token,
        },
    )
    try:
        claims.validate(now=int(now()), leeway=_LEEWAY_S)
    except ExpiredTokenError as error:
        raise TokenRefused("expired") from error
    except (JoseError, ValueError, TypeError, KeyError) as error:
        named = getattr(error, "claim", None)
        raise TokenRefused(f"claim {named}" if named else f"claims: {type(error).__name__}") from error
    return decoded.claims
