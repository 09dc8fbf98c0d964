"""Personal data in events: which values are personal, whose they are, and how they look when they are encrypted.

Declared with each event type (`EventType.personal`). Nothing here knows a key: `event_store/privacy` encrypts and
decrypts.
"""

from schemas.personal.encrypted import ENCRYPTED, ERASED, EncryptedValue
from schemas.personal.fields import PersonalFields, PersonalValue, UserFields
from schemas.personal.subject import Subject

__all__ = ["ENCRYPTED", "ERASED", "EncryptedValue", "PersonalFields", "PersonalValue", "Subject", "UserFields"]
