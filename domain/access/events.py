"""What happens to merchants, to API keys and to log-ins of the staff. No event holds a key, a code or a hash of one."""

from dataclasses import dataclass
from typing import Literal

from domain.ids import ApiKeyId, MerchantId

SecondFactor = Literal["none", "totp", "recovery_code"]
SignInMethod = Literal["password", "oidc"]


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


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffSignedIn:
    """Somebody of the staff began a session. ``second_factor`` is what they had beside the password.

    ``method`` is how they showed who they are; not said: by a password. With single sign-on (``oidc``) it is for the
    provider to ask for a second factor, and this one is ``none``.
    """

    name: str
    role: str
    second_factor: SecondFactor
    actor: str
    method: SignInMethod | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class RecoveryCodesMade:
    """Somebody has so many new recovery codes; those that they had before are not valid any more."""

    name: str
    codes: int
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RecoveryCodeUsed:
    """A recovery code was used, and is not valid any more. ``left`` are."""

    name: str
    number: int
    left: int
    actor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffLocked:
    """Somebody of the staff does not get in any more, and their sessions have ended."""

    name: str
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffUnlocked:
    """Somebody of the staff may log in again. Sessions from before the lock stay ended."""

    name: str
    actor: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class StaffSessionsEnded:
    """The sessions that somebody of the staff had have ended, in every process. They may log in again."""

    name: str
    actor: str
    reason: str


StaffEvent = StaffSignedIn | RecoveryCodesMade | RecoveryCodeUsed | StaffLocked | StaffUnlocked | StaffSessionsEnded
ApiKeyEvent = ApiKeyCreated | ApiKeyRotated | ApiKeyRevoked
AccessEvent = MerchantCreated | ApiKeyEvent | StaffEvent
