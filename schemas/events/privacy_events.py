"""The events of privacy on the wire."""

from uuid import UUID, uuid5

from domain.privacy import KeyDestroyed, PrivacyEvent, RowsExported, UserErased, UserExported
from schemas.events.codec import Codec
from schemas.events.event_type import EventType
from schemas.personal.subject import Subject

CATEGORY = "privacy"
_NAMESPACE = UUID("5f0c9a3e-2b6d-5c1f-8a4e-7d91b3c6e2f4")

PRIVACY_EVENT_TYPES: tuple[EventType[PrivacyEvent], ...] = (
    EventType(name="privacy.key_destroyed", model=KeyDestroyed),
    EventType(name="privacy.user_erased", model=UserErased),
    EventType(name="privacy.user_exported", model=UserExported),
    EventType(name="privacy.rows_exported", model=RowsExported),
)
PRIVACY_CODEC = Codec(PRIVACY_EVENT_TYPES)


def stream_id_of(subject: Subject) -> UUID:
    """Return the stream of what was erased and handed out of a user. A key's stream has the key's id."""
    return uuid5(_NAMESPACE, f"{subject.merchant_id}\n{subject.name}")
