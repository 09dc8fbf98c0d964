"""What happens to merchants and to API keys. No event holds a key or its hash."""

from dataclasses import dataclass

from domain.ids import ApiKeyId, MerchantId


@dataclass(frozen=True, kw_only=True, slots=True)
class MerchantCreated:
    """A merchant can be given API keys."""

    merchant_id: MerchantId
    name: str
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeyCreated:
    """A key was made: it is valid from now on.

    ``prefix`` is its beginning, which is no secret. ``merchant_id`` is null for a key of the operator, ``expires_at``
    for one that does not end by itself. ``replaces`` is the key whose successor it is.
    """

    key_id: ApiKeyId
    prefix: str
    merchant_id: MerchantId | None
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None
    actor: str
    reason: str
    replaces: ApiKeyId | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeyRotated:
    """A key has a successor, and is valid until ``expires_at`` for those who do not use it yet."""

    key_id: ApiKeyId
    replaced_by: ApiKeyId
    expires_at: int
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeyRevoked:
    """A key is not valid any more."""

    key_id: ApiKeyId
    actor: str
    reason: str


ApiKeyEvent = ApiKeyCreated | ApiKeyRotated | ApiKeyRevoked
AccessEvent = MerchantCreated | ApiKeyEvent
