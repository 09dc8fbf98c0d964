"""The events of access: of each merchant, of each API key, and of each of the staff."""

from typing import Any

from domain.access import events as domain
from domain.access.events import AccessEvent, ApiKeyEvent, MerchantCreated, StaffEvent
from schemas.events.codec import Codec
from schemas.events.event_type import EventType

CATEGORY = "access"

MERCHANT_EVENT_TYPES: tuple[EventType[MerchantCreated], ...] = (
    EventType(name="access.merchant_created", model=domain.MerchantCreated),
)
API_KEY_EVENT_TYPES: tuple[EventType[ApiKeyEvent], ...] = (
    EventType(name="access.key_created", model=domain.ApiKeyCreated),
    EventType(name="access.key_rotated", model=domain.ApiKeyRotated),
    EventType(name="access.key_revoked", model=domain.ApiKeyRevoked),
)
STAFF_EVENT_TYPES: tuple[EventType[StaffEvent], ...] = (
    EventType(name="access.staff_signed_in", model=domain.StaffSignedIn),
    EventType(name="access.recovery_codes_made", model=domain.RecoveryCodesMade),
    EventType(name="access.recovery_code_used", model=domain.RecoveryCodeUsed),
    EventType(name="access.staff_locked", model=domain.StaffLocked),
    EventType(name="access.staff_unlocked", model=domain.StaffUnlocked),
    EventType(name="access.staff_sessions_ended", model=domain.StaffSessionsEnded),
)
ACCESS_EVENT_TYPES: tuple[EventType[Any], ...] = (*MERCHANT_EVENT_TYPES, *API_KEY_EVENT_TYPES, *STAFF_EVENT_TYPES)

MERCHANT_CODEC = Codec(MERCHANT_EVENT_TYPES)
API_KEY_CODEC = Codec(API_KEY_EVENT_TYPES)
STAFF_CODEC = Codec(STAFF_EVENT_TYPES)
ACCESS_CODEC: Codec[AccessEvent] = Codec(ACCESS_EVENT_TYPES)
