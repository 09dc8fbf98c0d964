"""What people did, in words: from the type of the event."""

from collections.abc import Mapping

from back_office.payments.timeline import title_of as title_of_payment_event
from back_office.web.words import words

_TITLES: Mapping[str, str] = {
    "access.staff_signed_in": "Logged in",
    "access.recovery_codes_made": "Made new recovery codes",
    "access.recovery_code_used": "Used a recovery code",
    "access.staff_locked": "Locked somebody out",
    "access.staff_unlocked": "Unlocked an account",
    "access.staff_sessions_ended": "Ended all sessions of an account",
    "access.key_created": "Made an API key",
    "access.key_rotated": "Replaced an API key",
    "access.key_revoked": "Ended an API key",
    "access.merchant_created": "Made a merchant",
    "privacy.rows_exported": "Took rows away as a file",
    "privacy.user_erased": "Erased a customer's personal data",
    "privacy.user_exported": "Handed out a customer's personal data",
    "privacy.key_destroyed": "Destroyed the key of personal data",
}


def title_of(event_type: str) -> str:
    """Return what an event is called; one that has no title of its own, by its type."""
    title = _TITLES.get(event_type) or title_of_payment_event(event_type)
    return words(title.replace(".", "_"))


def via(actor: str) -> str:
    """Return what vouches for the name of an actor."""
    key, slash, _ = actor.removeprefix("api:").partition("/")
    return f"API key {key}" if slash else "command line"
