"""An API key: what becomes of it, and the commands for it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domain.access.errors import ApiKeyNotUsable, InvalidApiKey
from domain.access.events import ApiKeyCreated, ApiKeyEvent, ApiKeyRevoked, ApiKeyRotated
from domain.access.scopes import SCOPES, wrong_scopes
from domain.ids import ApiKeyId, MerchantId

MAX_VALID_AFTER_ROTATION_S = 30 * 24 * 3600


@dataclass(frozen=True, kw_only=True, slots=True)
class CreateApiKey:
    """Make a key. Moments are in Unix seconds."""

    key_id: ApiKeyId
    prefix: str
    merchant_id: MerchantId | None
    scopes: frozenset[str]
    now: int
    expires_at: int | None
    actor: str
    reason: str
    replaces: ApiKeyId | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RotateApiKey:
    """Note the successor of a key, which stays valid for so many seconds, or to its own end if that is sooner."""

    replaced_by: ApiKeyId
    now: int
    valid_for_s: int
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RevokeApiKey:
    """End a key at once."""

    actor: str
    reason: str


ApiKeyCommand = CreateApiKey | RotateApiKey | RevokeApiKey


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKeyState:
    """A key as its events tell it."""

    key_id: ApiKeyId
    prefix: str
    merchant_id: MerchantId | None
    scopes: tuple[str, ...]
    created_at: int
    expires_at: int | None
    replaced_by: ApiKeyId | None = None
    is_revoked: bool = False
    has_unread: bool = False
    """Whether an event could not be read, of a newer release for instance."""


def decide_api_key(state: ApiKeyState | None, key_id: ApiKeyId, command: ApiKeyCommand) -> Sequence[ApiKeyEvent]:
    """Decide on a key; to revoke one again changes nothing. Raises InvalidApiKey or ApiKeyNotUsable.

    One of which not all can be read is revoked, and not rotated: its successor would be as it was before.
    """
    match command:
        case CreateApiKey():
            return [_created(command)]
        case RotateApiKey():
            if state is None:
                raise ApiKeyNotUsable(key_id, "is not known")
            if state.has_unread:
                raise ApiKeyNotUsable(key_id, "has an event that this release cannot read: it takes the newer release")
            return [_rotated(state, command)]
        case RevokeApiKey():
            if state is None:
                raise ApiKeyNotUsable(key_id, "is not known")
            if state.is_revoked and not state.has_unread:
                return []
            return [ApiKeyRevoked(key_id=key_id, actor=command.actor, reason=command.reason)]


def evolve_api_key(state: ApiKeyState | None, event: ApiKeyEvent) -> ApiKeyState:
    """Return the key after an event."""
    if isinstance(event, ApiKeyCreated):
        return ApiKeyState(
            key_id=event.key_id,
            prefix=event.prefix,
            merchant_id=event.merchant_id,
            scopes=event.scopes,
            created_at=event.created_at,
            expires_at=event.expires_at,
        )
    assert state is not None
    if isinstance(event, ApiKeyRotated):
        return replace(state, replaced_by=event.replaced_by, expires_at=event.expires_at)
    return replace(state, is_revoked=True)


def evolve_unread_api_key(state: ApiKeyState | None) -> ApiKeyState | None:
    """Return the key after an event that this release cannot read."""
    return None if state is None else replace(state, has_unread=True)


def _created(command: CreateApiKey) -> ApiKeyCreated:
    if not command.scopes:
        raise InvalidApiKey("A key needs a scope.")
    if unknown := sorted(command.scopes - SCOPES):
        raise InvalidApiKey(f"There is no scope {', '.join(unknown)}. There are: {', '.join(sorted(SCOPES))}.")
    if wrong := wrong_scopes(command.scopes, is_operators=command.merchant_id is None):
        whose = "the operator's, which has no payments" if command.merchant_id is None else "a merchant's"
        raise InvalidApiKey(f"A key that is {whose} cannot have {', '.join(wrong)}.")
    if command.expires_at is not None and command.expires_at <= command.now:
        raise InvalidApiKey("A key cannot end before it begins.")
    return ApiKeyCreated(
        key_id=command.key_id,
        prefix=command.prefix,
        merchant_id=command.merchant_id,
        scopes=tuple(sorted(command.scopes)),
        created_at=command.now,
        expires_at=command.expires_at,
        actor=command.actor,
        reason=command.reason,
        replaces=command.replaces,
    )


def _rotated(state: ApiKeyState, command: RotateApiKey) -> ApiKeyRotated:
    if state.is_revoked:
        raise ApiKeyNotUsable(state.key_id, "was revoked")
    if state.expires_at is not None and state.expires_at <= command.now:
        raise ApiKeyNotUsable(state.key_id, "has expired")
    if state.replaced_by is not None:
        raise ApiKeyNotUsable(state.key_id, f"was replaced by {state.replaced_by} already")
    if not 0 <= command.valid_for_s <= MAX_VALID_AFTER_ROTATION_S:
        raise InvalidApiKey(f"A replaced key can be valid for {MAX_VALID_AFTER_ROTATION_S} seconds at most.")
    ends = [command.now + command.valid_for_s, *([] if state.expires_at is None else [state.expires_at])]
    return ApiKeyRotated(
        key_id=state.key_id,
        replaced_by=command.replaced_by,
        expires_at=min(ends),
        actor=command.actor,
        reason=command.reason,
    )
