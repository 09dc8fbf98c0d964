"""Codes of the APIs as people say them."""

import re
from datetime import UTC, datetime

_PROCESSES = {
    "stripe-gateway": "Stripe gateway",
    "stripe-webhooks": "Stripe, by webhook",
    "stripe": "Stripe",
    "sweeper": "Sweeper",
    "sagas": "Sagas",
    "reconciliation": "Reconciliation",
    "stripe-balance": "Stripe balance",
}
_TASK_STATUSES = {
    "dead": "Given up trying",
    "unknown": "Outcome unknown",
    "due": "Due",
    "leased": "In work",
    "done": "Done",
}
DIFFERENCES = {
    "amount": "Amounts differ",
    "currency": "Currencies differ",
    "status": "States differ",
    "fee": "Fees differ",
    "duplicate": "There twice",
    "timing": "Of another day, or not there yet",
}
"""What differs between Stripe and the ledger, where the code alone says too little."""
_DEAD_LETTER_REASONS = {
    "undecodable": "Cannot be read",
    "refused": "Could not be applied",
    "behind": "Waits for an earlier one",
}
_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer", "abandoned"})
"""Of refunds and cancellations: https://docs.stripe.com/api/payment_intents/cancel."""
_API, _OPERATOR = "api:", "operator:"
_STRIPE = re.compile(r"\bstripe\b")
_CODE = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


def words(text: str) -> str:
    """Return the code `missing_at_stripe` as `Missing at Stripe`; what is no code stays as it is."""
    return _STRIPE.sub("Stripe", text.replace("_", " ").capitalize()) if _CODE.fullmatch(text) else text


def difference_words(kind: str) -> str:
    """Return what differs between Stripe and the ledger."""
    return DIFFERENCES.get(kind, words(kind))


def dead_letter_words(reason: str) -> str:
    """Return why a record was not applied."""
    return _DEAD_LETTER_REASONS.get(reason, words(reason))


def reason_words(reason: str) -> str:
    """Return one of the reasons that a command knows in words, and what somebody wrote as it was written."""
    return words(reason) if reason in _REASONS else reason


def counted(number: int, thing: str, things: str = "") -> str:
    """Return `1 row`, `1,200 rows`; `things` is the plural that is not made with an s."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}"


def task_status_words(status: str) -> str:
    """Return where a call to Stripe stands."""
    return _TASK_STATUSES.get(status, words(status))


def age_words(since: str, now: datetime | None = None) -> str:
    """Return how long ago a moment of an API was: `3 days`, `5 hours`, `1 minute`, `under a minute`."""
    seconds = ((now or datetime.now(UTC)) - datetime.fromisoformat(since)).total_seconds()
    for length, name in ((24 * 3600, "day"), (3600, "hour"), (60, "minute")):
        if (count := int(seconds // length)) > 0:
            return f"{count} {name}{'' if count == 1 else 's'}"
    return "under a minute"


def ago_words(seconds: float) -> str:
    """Return how long ago something was: `just now`, `1 minute ago`."""
    minutes = int(seconds // 60)
    return f"{counted(minutes, 'minute')} ago" if minutes else "just now"


def actor_words(actor: str) -> str:
    """Return who did it: `anna, with the key back-office` for `api:back-office/anna`."""
    if actor.startswith(_OPERATOR):
        return f"{actor.removeprefix(_OPERATOR)}, on the command line"
    if not actor.startswith(_API):
        return _PROCESSES.get(actor, actor)
    key, _, person = actor.removeprefix(_API).partition("/")
    return f"{person}, with the API key {key}" if person else f"API key {key}"
