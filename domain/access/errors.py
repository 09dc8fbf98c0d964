"""Why a command on a merchant, on an API key or on somebody of the staff is refused."""

from typing import ClassVar

from domain.errors import DomainError
from domain.ids import ApiKeyId, MerchantId


class AccessError(DomainError):
    """A rule of access said no."""

    code: ClassVar[str] = "access_error"


class MerchantExists(AccessError):
    """The merchant was created before."""

    code: ClassVar[str] = "merchant_exists"

    def __init__(self, merchant_id: MerchantId) -> None:
        super().__init__(f"There is a merchant {merchant_id} already.")


class InvalidMerchant(AccessError):
    """Its id or its name breaks a rule."""

    code: ClassVar[str] = "invalid_merchant"


class InvalidApiKey(AccessError):
    """A key cannot be like that: its scopes, or its end."""

    code: ClassVar[str] = "invalid_api_key"


class ApiKeyNotUsable(AccessError):
    """The key was revoked, has expired, has a successor already, or is not there."""

    code: ClassVar[str] = "api_key_not_usable"

    def __init__(self, key_id: ApiKeyId, reason: str) -> None:
        super().__init__(f"The API key {key_id} {reason}.")


class StaffIsLocked(AccessError):
    """Somebody who was locked wants to log in."""

    code: ClassVar[str] = "staff_is_locked"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is locked.")


class StaffNotReadable(AccessError):
    """Something is recorded of somebody that this release cannot read: it may keep them out."""

    code: ClassVar[str] = "staff_not_readable"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"This release cannot read all that is recorded of {name}, which may be a lock: it takes the newer release."
        )


class LocksThemselves(AccessError):
    """Somebody wants to lock their own account, and could not undo it."""

    code: ClassVar[str] = "locks_themselves"

    def __init__(self) -> None:
        super().__init__("Nobody locks themselves out: another operator can.")
